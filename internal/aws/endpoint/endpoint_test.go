package endpoint

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
)

// env returns a Getenv that knows these "NAME=value" pairs.
func env(pairs ...string) func(string) string {
	return func(name string) string {
		for _, pair := range pairs {
			if key, value, _ := strings.Cut(pair, "="); key == name {
				return value
			}
		}
		return ""
	}
}

func TestRulesOfAWS(t *testing.T) {
	data, err := os.ReadFile("testdata/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Service, Documentation, Region, Endpoint, URL, Error string
		FIPS, DualStack                                      bool
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if got, want := len(cases), 42; got != want {
		t.Fatalf("%d cases, want %d", got, want)
	}
	resolve := map[string]func(string, Options) (string, error){"bedrock-runtime": Runtime, "bedrock": Control}
	for _, c := range cases {
		t.Run(c.Service+" "+c.Documentation, func(t *testing.T) {
			got, err := resolve[c.Service](c.Region, Options{BaseURL: c.Endpoint, FIPS: c.FIPS, DualStack: c.DualStack})
			if (err != nil) != (c.Error != "") {
				t.Fatalf("%s endpoint: error %v, want %q", c.Service, err, c.Error)
			}
			if got != c.URL {
				t.Errorf("%s endpoint: %q, want %q", c.Service, got, c.URL)
			}
		})
	}
}

func TestOrderOfOverrides(t *testing.T) {
	const plain = "https://bedrock-runtime.eu-west-1.amazonaws.com"
	all := []string{"AWS_ENDPOINT_URL_BEDROCK_RUNTIME=http://runtime:1", "AWS_ENDPOINT_URL_BEDROCK=http://control:2", "AWS_ENDPOINT_URL=http://any:3"}
	for _, c := range []struct {
		name             string
		options          Options
		runtime, control string
	}{
		{"nothing set, AWS's own", Options{Getenv: env()}, plain, "https://bedrock.eu-west-1.amazonaws.com"},
		{"no environment at all, AWS's own", Options{}, plain, "https://bedrock.eu-west-1.amazonaws.com"},
		{"the option goes before all", Options{BaseURL: "http://option", Getenv: env(all...)}, "http://option", "http://option"},
		{"the service's variable goes before the general one", Options{Getenv: env(all...)}, "http://runtime:1", "http://control:2"},
		{"the general variable goes for both", Options{Getenv: env(all[2])}, "http://any:3", "http://any:3"},
		{"one service's variable leaves the other alone", Options{Getenv: env(all[0])}, "http://runtime:1", "https://bedrock.eu-west-1.amazonaws.com"},
		{"ignored variables do not count", Options{Getenv: env(append(all, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true")...)}, plain, "https://bedrock.eu-west-1.amazonaws.com"},
		{"only true ignores", Options{Getenv: env(append(all, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=0")...)}, "http://runtime:1", "http://control:2"},
		{"the option counts though variables are ignored", Options{BaseURL: "http://option", Getenv: env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE")}, "http://option", "http://option"},
		{"FIPS by the environment", Options{Getenv: env("AWS_USE_FIPS_ENDPOINT=true")}, "https://bedrock-runtime-fips.eu-west-1.amazonaws.com", "https://bedrock-fips.eu-west-1.amazonaws.com"},
		{"dual stack by the environment", Options{Getenv: env("AWS_USE_DUALSTACK_ENDPOINT=true")}, "https://bedrock-runtime.eu-west-1.api.aws", "https://bedrock.eu-west-1.api.aws"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := Runtime("eu-west-1", c.options); err != nil || got != c.runtime {
				t.Errorf("Runtime: %q, %v, want %q", got, err, c.runtime)
			}
			if got, err := Control("eu-west-1", c.options); err != nil || got != c.control {
				t.Errorf("Control: %q, %v, want %q", got, err, c.control)
			}
		})
	}
}

func TestRegionIsNeededOnlyToNameTheEndpoint(t *testing.T) {
	if _, err := Runtime("", Options{}); !errors.Is(err, ErrNoRegion) {
		t.Errorf("Runtime without Region: %v, want ErrNoRegion", err)
	}
	if got, err := Runtime("", Options{BaseURL: "http://127.0.0.1:8080"}); err != nil || got != "http://127.0.0.1:8080" {
		t.Errorf("Runtime without Region, with a base URL: %q, %v", got, err)
	}
	if _, err := Runtime("evil.example/", Options{BaseURL: "http://127.0.0.1:8080"}); err == nil {
		t.Error("Runtime takes a malformed Region if the base URL is given, want an error")
	}
}

func TestBaseURL(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a slash at the end goes", "https://gateway.example/", "https://gateway.example"},
		{"a path prefix stays", "https://gateway.example/bedrock/v2/", "https://gateway.example/bedrock/v2"},
		{"an escape in the prefix stays as it is", "http://h/a%2Fb", "http://h/a%2Fb"},
		{"port", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"IPv6", "http://[::1]:8080", "http://[::1]:8080"},
		{"VPC endpoint", "https://vpce-0a1-b2.bedrock-runtime.us-east-1.vpce.amazonaws.com", "https://vpce-0a1-b2.bedrock-runtime.us-east-1.vpce.amazonaws.com"},
		{"scheme in capitals", "HTTPS://gateway.example", "https://gateway.example"},
		{"no scheme", "gateway.example", ""},
		{"host and port only", "gateway.example:8080", ""},
		{"opaque", "http:gateway.example", ""},
		{"other scheme", "ftp://gateway.example", ""},
		{"no host", "http:///bedrock", ""},
		{"port without host", "http://:8080", ""},
		{"empty port", "http://h:", ""},
		{"port 0", "http://h:0", ""},
		{"port too high", "http://h:65536", ""},
		{"user and password", "https://user:hunter2@gateway.example", ""},
		{"empty user", "https://@gateway.example", ""},
		{"query", "https://gateway.example?a=b", ""},
		{"empty query", "https://gateway.example?", ""},
		{"fragment", "https://gateway.example#a", ""},
		{"empty fragment", "https://gateway.example#", ""},
		{"dot segments", "https://gateway.example/a/../b", ""},
		{"escaped dot segments", "https://gateway.example/a/%2e%2E/b", ""},
		{"empty segment", "https://gateway.example/a//b", ""},
		{"line break", "https://gateway.example\r\nX: y", ""},
		{"blank at the end", "https://gateway.example ", ""},
		{"malformed escape", "https://gateway.example/%zz", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Runtime("us-east-1", Options{BaseURL: c.in})
			if got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("Runtime with base URL %q: %q, %v, want %q", c.in, got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %q repeats the password", err)
			}
		})
	}
}

func TestErrorNamesTheVariable(t *testing.T) {
	for variable, getenv := range map[string]func(string) string{
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME=nonsense"),
		"AWS_ENDPOINT_URL":                 env("AWS_ENDPOINT_URL=http://h", "AWS_USE_FIPS_ENDPOINT=true"),
	} {
		_, err := Runtime("us-east-1", Options{Getenv: getenv})
		if err == nil || !strings.HasPrefix(err.Error(), variable+" ") && !strings.HasPrefix(err.Error(), variable+":") {
			t.Errorf("error %v, want it to begin with %s", err, variable)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "ap-southeast-7": "aws", "mx-central-1": "aws", "il-central-1": "aws", "ca-west-1": "aws",
		"us-gov-west-1": "aws-us-gov", "us-gov-east-1": "aws-us-gov", "cn-north-1": "aws-cn", "cn-northwest-1": "aws-cn",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e",
		"us-isof-south-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
		"xy-somewhere-1": "aws", // not there yet: AWS's rules take it for the first partition
	} {
		if got, err := PartitionOf(region); err != nil || got.ID != want {
			t.Errorf("PartitionOf(%q) = %q, %v, want %q", region, got.ID, err, want)
		}
	}
}

func TestCheckRegionRefuses(t *testing.T) {
	for _, region := range []string{
		"", "us", "us-east", "us-east-", "-us-east-1", "us--east-1", "us-east-1-", "us-east-123", "US-EAST-1", "us-east-1a",
		"us-east-1.evil.example", "us-east-1/", "us-east-1@evil", "us-east-1#", "us-east-1?x", "us-east-1:443", "us-east-1\n",
		" us-east-1", "us_east_1", "us-eаst-1", "us-east-１", "u-east-1", "aws-global", "fips-us-east-1", "us-east-1-fips",
		"169.254.169.254", "localhost", "a-b-c-d-e-f-1", "us-" + strings.Repeat("a", 64) + "-1",
	} {
		if CheckRegion(region) == nil {
			t.Errorf("CheckRegion(%q) = nil, want an error", region)
		}
		if got, err := Runtime(region, Options{}); err == nil {
			t.Errorf("Runtime(%q) = %q, want an error", region, got)
		}
		if p, err := PartitionOf(region); err == nil {
			t.Errorf("PartitionOf(%q) = %v, want an error", region, p)
		}
	}
}

// FuzzRuntime holds that a Region cannot lead a request out of AWS's domains, and that a base URL that is taken
// is what net/url reads: its host, its path, nothing more.
func FuzzRuntime(f *testing.F) {
	f.Add("us-east-1", "", true, false)
	f.Add("us-east-1.evil.example/", "", false, true)
	f.Add("cn-north-1", "https://gateway.example/a%2Fb/", false, false)
	f.Add("", "http://[::1]:8080", false, false)
	f.Fuzz(func(t *testing.T, region, base string, fips, dualStack bool) {
		got, err := Runtime(region, Options{BaseURL: base, FIPS: fips, DualStack: dualStack})
		if err != nil {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(got, "/") {
			t.Fatalf("Runtime(%q, base %q) = %q, which is not a plain base URL (%v)", region, base, got, err)
		}
		if base == "" {
			labels := strings.SplitN(u.Host, ".", 3)
			if len(labels) != 3 || labels[1] != region || u.Path != "" || !strings.HasPrefix(labels[0], "bedrock-runtime") {
				t.Fatalf("Runtime(%q) = %q, want bedrock-runtime in that Region", region, got)
			}
			return
		}
		want, err := url.Parse(base)
		if err != nil || u.Host != want.Host || u.EscapedPath() != strings.TrimRight(want.EscapedPath(), "/") {
			t.Fatalf("Runtime with base URL %q = %q, want the same host and path", base, got)
		}
	})
}

func BenchmarkRuntime(b *testing.B) {
	getenv := env()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Runtime("us-east-1", Options{Getenv: getenv}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestProfileURLs(t *testing.T) {
	f := func(name string, environment map[string]string, wantRuntime, wantControl string) {
		t.Run(name, func(t *testing.T) {
			o := Options{
				ProfileRuntimeURL: "https://runtime.example", ProfileControlURL: "https://control.example",
				Getenv: func(name string) string { return environment[name] },
			}
			runtime, err := Runtime("us-east-1", o)
			control, err2 := Control("us-east-1", o)
			if err != nil || err2 != nil || runtime != wantRuntime || control != wantControl {
				t.Errorf("Runtime = %q, %v, Control = %q, %v; want %q and %q", runtime, err, control, err2, wantRuntime, wantControl)
			}
		})
	}
	f("the profile's count where the environment says nothing", nil, "https://runtime.example", "https://control.example")
	f("the environment goes before", map[string]string{"AWS_ENDPOINT_URL_BEDROCK": "https://env.example"}, "https://runtime.example", "https://env.example")
	f("unless all are to be ignored", map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
		"https://bedrock-runtime.us-east-1.amazonaws.com", "https://bedrock.us-east-1.amazonaws.com")
}
