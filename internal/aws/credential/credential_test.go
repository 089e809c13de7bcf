package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// home gives the test an empty home and no AWS variables, but for those it names.
func home(t *testing.T, variables ...string) func(string) string {
	t.Helper()
	dir := t.TempDir()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("HOME", dir)
	t.Setenv("USERPROFILE", dir)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for i := 0; i < len(variables); i += 2 {
		t.Setenv(variables[i], strings.ReplaceAll(variables[i+1], "$HOME", dir))
	}
	return os.Getenv
}

func TestDefault(t *testing.T) {
	f := func(name, region, wantRegion, wantKey, wantAccess string, variables ...string) {
		t.Run(name, func(t *testing.T) {
			found, err := Default(context.Background(), region, home(t, variables...))
			if err != nil {
				t.Fatal(err)
			}
			c, err := found.Source.Retrieve(context.Background())
			if err != nil || found.Region != wantRegion || c.APIKey.Reveal() != wantKey || c.Keys.AccessKeyID != wantAccess {
				t.Errorf("Region %q, API key %q, access key %q, %v; want %q, %q, %q",
					found.Region, c.APIKey.Reveal(), c.Keys.AccessKeyID, err, wantRegion, wantKey, wantAccess)
			}
		})
	}
	keys := []string{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY", "secret", "AWS_REGION", "us-east-1"}
	f("keys of the environment", "", "us-east-1", "", "AKIDEXAMPLE", keys...)
	f("a Region given wins", "eu-west-1", "eu-west-1", "", "AKIDEXAMPLE", keys...)
	f("an API key wins over keys", "", "us-east-1", "ABSKx", "", append(keys, BearerEnv, "ABSKx")...)
	f("an API key and a Region need nothing else", "eu-west-1", "eu-west-1", "ABSKx", "", BearerEnv, "ABSKx")
}

func TestDefaultOfAProfile(t *testing.T) {
	getenv := home(t, "AWS_PROFILE", "dev", "AWS_CONFIG_FILE", "$HOME/config", "AWS_SHARED_CREDENTIALS_FILE", "$HOME/credentials")
	dir := os.Getenv("HOME")
	os.WriteFile(filepath.Join(dir, "config"), []byte("[profile dev]\nregion = eu-central-1\n"+
		"endpoint_url = http://127.0.0.1:1\nservices = dev\n[services dev]\nbedrock_runtime =\n  endpoint_url = http://127.0.0.1:2\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "credentials"), []byte("[dev]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = x\n"), 0o600)
	found, err := Default(context.Background(), "", getenv)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := found.Source.Retrieve(context.Background()); err != nil || found.Region != "eu-central-1" || c.Keys.AccessKeyID != "AKIDPROFILE" {
		t.Errorf("Region %q, access key %q, %v", found.Region, c.Keys.AccessKeyID, err)
	}
	if found.RuntimeURL != "http://127.0.0.1:2" || found.ControlURL != "http://127.0.0.1:1" {
		t.Errorf("endpoints %q and %q, want the service's own and the general", found.RuntimeURL, found.ControlURL)
	}
}

func TestDefaultWithoutARegion(t *testing.T) {
	if _, err := Default(context.Background(), "", home(t)); !errors.Is(err, ErrNoRegion) {
		t.Errorf("Default = %v, want ErrNoRegion", err)
	}
}

func TestRetrieveWithoutCredentials(t *testing.T) {
	found, err := Default(context.Background(), "us-east-1", home(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := found.Source.Retrieve(context.Background()); err == nil || !strings.Contains(err.Error(), "get AWS credentials") {
		t.Errorf("Retrieve = %v, want an error with its context", err)
	}
}

func TestFromProviderCachesUntilInvalidated(t *testing.T) {
	var calls atomic.Int32
	source := FromProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID: fmt.Sprint("AKID", calls.Add(1)), SecretAccessKey: "x", CanExpire: true, Expires: time.Now().Add(time.Hour),
		}, nil
	}))
	for _, want := range []string{"AKID1", "AKID1"} {
		if c, err := source.Retrieve(context.Background()); err != nil || c.Keys.AccessKeyID != want {
			t.Errorf("Retrieve = %q, %v; want %q", c.Keys.AccessKeyID, err, want)
		}
	}
	for range 50 { // so many requests were refused together
		source.Invalidate("AKID1")
	}
	if c, _ := source.Retrieve(context.Background()); c.Keys.AccessKeyID != "AKID2" {
		t.Errorf("Retrieve after Invalidate = %q, want AKID2", c.Keys.AccessKeyID)
	}
	source.Invalidate("AKID1") // a late one
	if c, _ := source.Retrieve(context.Background()); c.Keys.AccessKeyID != "AKID2" {
		t.Errorf("Retrieve after a late Invalidate = %q, want AKID2 still", c.Keys.AccessKeyID)
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := Credentials{APIKey: sigv4.NewSecret("ABSKsecret"), Keys: sigv4.NewCredentials("AKID", "secretsecret", "token")}
	for _, text := range []string{fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%#v", Static(c))} {
		if strings.Contains(text, "secretsecret") || strings.Contains(text, "ABSK") {
			t.Errorf("Credentials print %s", text)
		}
	}
}
