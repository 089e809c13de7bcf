package sigv4

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// wantCode reports an err that is not an *Error with this code.
func wantCode(t *testing.T, err error, code string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want %s", err, code)
	}
	return e
}

var emptySum = sha256.Sum256(nil)

// signed returns a request signed by the Signer, as a server receives it, and a Verifier that accepts it at noon.
func signed(tb testing.TB, c Credentials) (*http.Request, [32]byte, *Verifier) {
	tb.Helper()
	r, body := invoke(tb)
	NewSigner("bedrock", "us-east-1").Sign(r, HashHex(body), c, noon)
	r.RequestURI = r.URL.RequestURI()
	v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: c})}
	if _, err := v.Verify(r, sha256.Sum256(body), noon); err != nil {
		tb.Fatalf("the request as signed: %v, want nil", err)
	}
	return r, sha256.Sum256(body), v
}

func TestVerifyRefuses(t *testing.T) {
	temporary := NewCredentials("ASIAEXAMPLE", "secret", "the session token")
	replace := func(old, new string) func(*http.Request, *Verifier) {
		return func(r *http.Request, _ *Verifier) {
			auth := r.Header.Get("Authorization")
			if !strings.Contains(auth, old) {
				panic("no " + old + " in " + auth)
			}
			r.Header.Set("Authorization", strings.Replace(auth, old, new, 1))
		}
	}
	set := func(name, value string) func(*http.Request, *Verifier) {
		return func(r *http.Request, _ *Verifier) { r.Header.Set(name, value) }
	}
	add := func(name string) func(*http.Request, *Verifier) {
		return func(r *http.Request, _ *Verifier) { r.Header.Add(name, r.Header.Get(name)) }
	}
	del := func(name string) func(*http.Request, *Verifier) {
		return func(r *http.Request, _ *Verifier) { r.Header.Del(name) }
	}
	for _, c := range []struct {
		name    string
		change  func(*http.Request, *Verifier)
		code    string
		message string // the message begins with it
	}{
		{"no Authorization", del("Authorization"), MissingAuthenticationToken, "Missing Authentication Token"},
		{"a bearer token", set("Authorization", "Bearer abc"), IncompleteSignature, "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. (Hashed with SHA-256 and encoded with Base64) Authorization="},
		{"no Credential", replace("Credential=", "Kredential="), IncompleteSignature, "Authorization header takes"},
		{"no Signature", replace(", Signature=", ", Credential="), IncompleteSignature, "Authorization header takes"},
		{"an empty Signature", func(r *http.Request, _ *Verifier) {
			auth := r.Header.Get("Authorization")
			r.Header.Set("Authorization", auth[:len(auth)-64])
		}, IncompleteSignature, "Authorization header requires 'Signature' parameter. (Hashed"},
		{"two Credentials", replace("Credential=", "Credential=A/20261120/us-east-1/bedrock/aws4_request, Credential="), IncompleteSignature, "Authorization header takes"},
		{"a part without equal sign", replace(", SignedHeaders=", ", nonsense, SignedHeaders="), IncompleteSignature, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '"},
		{"another algorithm", replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), IncompleteSignature, "Unsupported AWS 'algorithm'"},
		{"four elements in the credential", replace("/aws4_request", ""), IncompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 4."},
		{"another terminator", replace("aws4_request", "aws5_request"), InvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request'"},
		{"another Region", replace("us-east-1", "us-west-2"), InvalidSignature, "Credential should be scoped to a valid region, not 'us-west-2'. "},
		{"another service", replace("/bedrock/", "/s3/"), InvalidSignature, "Credential should be scoped to correct service: 'bedrock'. "},
		{"another day", replace("/20261120/", "/20261119/"), InvalidSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261119' != '20261120', from '20261120T120000Z'."},
		{"an unknown key", replace("ASIAEXAMPLE", "ASIAEXAMPL"), UnrecognizedClient, "The security token included in the request is invalid."},
		{"a key ID of strange bytes", replace("ASIAEXAMPLE", "ASIA\x00\xff"), UnrecognizedClient, "The security token included in the request is invalid."},
		{"a key ID too long", replace("ASIAEXAMPLE", strings.Repeat("A", 129)), UnrecognizedClient, "The security token included in the request is invalid."},
		{"no session token", del("X-Amz-Security-Token"), UnrecognizedClient, "The security token included in the request is invalid."},
		{"another session token", set("X-Amz-Security-Token", "the session tokem"), UnrecognizedClient, "The security token included in the request is invalid."},
		{"expired credentials", func(_ *http.Request, v *Verifier) {
			v.Lookup = only(Key{temporary, noon})
		}, ExpiredToken, "The security token included in the request is expired"},
		{"another secret", func(_ *http.Request, v *Verifier) {
			v.Lookup = only(Key{Credentials: NewCredentials("ASIAEXAMPLE", "secreT", "the session token")})
		}, InvalidSignature, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'POST\n/model/us.anthropic.claude-haiku-4-5-20251001-v1%253A0/invoke\n"},
		{"upper-case signature", func(r *http.Request, _ *Verifier) {
			head, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", head+"Signature="+strings.ToUpper(signature))
		}, InvalidSignature, "The request signature we calculated"},
		{"no date", del("X-Amz-Date"), IncompleteSignature, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		{"a date in another format", set("X-Amz-Date", "2026-11-20T12:00:00Z"), IncompleteSignature, "Date must be in ISO-8601 'basic format'."},
		{"a date with fractions", set("X-Amz-Date", "20261120T120000.5Z"), IncompleteSignature, "Date must be in ISO-8601 'basic format'."},
		{"Date in place of X-Amz-Date, not signed", func(r *http.Request, _ *Verifier) {
			r.Header.Del("X-Amz-Date")
			r.Header.Set("Date", noon.Format(http.TimeFormat))
		}, InvalidSignature, "'Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"host not signed", replace("content-type;host;", "content-type;"), InvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"session token not signed", replace(";x-amz-security-token", ""), InvalidSignature, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"an x-amz header added", set("X-Amz-Target", "a"), InvalidSignature, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"signed headers out of order", replace("accept;content-type", "content-type;accept"), IncompleteSignature, "SignedHeaders must list header names in lower case, sorted, each once."},
		{"a signed header twice", replace("accept;", "accept;accept;"), IncompleteSignature, "SignedHeaders must list"},
		{"a signed header in upper case", replace("=accept", "=Accept"), IncompleteSignature, "SignedHeaders must list"},
		{"an empty name among the signed headers", replace("accept;", ";accept;"), IncompleteSignature, "SignedHeaders must list"},
		{"a name that is not ASCII", replace("accept;", "äccept;"), IncompleteSignature, "SignedHeaders must list"},
		{"101 signed headers", replace("accept;", strings.Repeat("a;", 100)), IncompleteSignature, "SignedHeaders lists more than 100 headers."},
		{"an endless Authorization", replace("accept;", strings.Repeat("a", 9000)+";"), IncompleteSignature, "Authorization header is longer than 8192 bytes."},
		{"an absent header among the signed", replace("accept;", "accept;anthropic-beta;"), InvalidSignature, "The request signature we calculated"},
		{"two Authorization headers", add("Authorization"), IncompleteSignature, "Authorization header must be sent once, got 2."},
		{"two dates", add("X-Amz-Date"), IncompleteSignature, "X-Amz-Date header must be sent once, got 2."},
		{"two session tokens", add("X-Amz-Security-Token"), IncompleteSignature, "X-Amz-Security-Token header must be sent once, got 2."},
		{"a signed header twice in the request", add("Accept"), InvalidSignature, "The request signature we calculated"},
		{"another host", func(r *http.Request, _ *Verifier) { r.Host = "bedrock-runtime.us-east-1.amazonaws.org" }, InvalidSignature, "The request signature we calculated"},
		{"another method", func(r *http.Request, _ *Verifier) { r.Method = "PUT" }, InvalidSignature, "The request signature we calculated"},
		{"the colon sent raw", func(r *http.Request, _ *Verifier) { r.RequestURI = strings.Replace(r.RequestURI, "%3A", ":", 1) }, InvalidSignature, "The request signature we calculated"},
		{"a query added", func(r *http.Request, _ *Verifier) { r.RequestURI += "?a" }, InvalidSignature, "The request signature we calculated"},
		{"a malformed query added", func(r *http.Request, _ *Verifier) { r.RequestURI += "?a=%zz;b" }, InvalidSignature, "The request signature we calculated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, sum, v := signed(t, temporary)
			c.change(r, v)
			_, err := v.Verify(r, sum, noon)
			if e := wantCode(t, err, c.code); !strings.HasPrefix(e.Message, c.message) {
				t.Errorf("message %q, want it to begin with %q", e.Message, c.message)
			}
			for _, secret := range []string{"the session token", "secret ", "secreT"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q holds the secret %q", err, secret)
				}
			}
		})
	}
}

func TestVerifyBodyHash(t *testing.T) {
	body := []byte(`{"a":1}`)
	sum, other := sha256.Sum256(body), sha256.Sum256([]byte(`{"a":2}`))
	for _, c := range []struct {
		name     string
		declared string // x-amz-content-sha256, signed
		payload  string // the canonical request's last line
		sum      [32]byte
		message  string // "" if the request is good
	}{
		{"none declared", "", HashHex(body), sum, ""},
		{"declared and right", HashHex(body), HashHex(body), sum, ""},
		{"another body", "", HashHex(body), other, "The request signature we calculated"},
		{"another body than declared", HashHex(body), HashHex(body), other, "The provided 'x-amz-content-sha256' header does not match"},
		{"declared otherwise than signed", EmptyHash, HashHex(body), sum, "The provided 'x-amz-content-sha256' header does not match"},
		{"declared in upper case", strings.ToUpper(HashHex(body)), HashHex(body), sum, "The provided 'x-amz-content-sha256' header does not match"},
		{"unsigned", "UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", sum, "The body must be signed"},
		{"unsigned, with trailer", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", sum, "The body must be signed"},
		{"signed in chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", sum, "The body must be signed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, _ := invoke(t)
			if c.declared != "" {
				r.Header.Set("X-Amz-Content-Sha256", c.declared)
			}
			NewSigner("bedrock", "us-east-1").Sign(r, c.payload, exampleKey, noon)
			v := &Verifier{Lookup: only(Key{Credentials: exampleKey})}
			id, err := v.Verify(r, c.sum, noon)
			if c.message == "" {
				if err != nil || id != exampleID {
					t.Errorf("Verify = %q, %v, want %s", id, err, exampleID)
				}
				return
			}
			if e := wantCode(t, err, InvalidSignature); !strings.HasPrefix(e.Message, c.message) {
				t.Errorf("message %q, want it to begin with %q", e.Message, c.message)
			}
		})
	}
}

func TestVerifyClockSkew(t *testing.T) {
	for _, c := range []struct {
		name    string
		now     time.Time
		skew    time.Duration
		message string
	}{
		{"same time", noon, 0, ""},
		{"five minutes later", noon.Add(5*time.Minute + 999*time.Millisecond), 0, ""},
		{"a second more", noon.Add(5*time.Minute + time.Second), 0, "Signature expired: 20261120T120000Z is now earlier than 20261120T120001Z (20261120T120501Z - 5 min.)"},
		{"a replay an hour later", noon.Add(time.Hour), 0, "Signature expired: 20261120T120000Z is now earlier than 20261120T125500Z (20261120T130000Z - 5 min.)"},
		{"five minutes ahead", noon.Add(-5 * time.Minute), 0, ""},
		{"a second more ahead", noon.Add(-5*time.Minute - time.Second), 0, "Signature not yet current: 20261120T120000Z is still later than 20261120T115959Z (20261120T115459Z + 5 min.)"},
		{"a wider window", noon.Add(14 * time.Minute), 15 * time.Minute, ""},
		{"a narrower window", noon.Add(2 * time.Minute), time.Minute, "Signature expired: 20261120T120000Z is now earlier than 20261120T120100Z (20261120T120200Z - 1 min.)"},
		{"a clock in another zone", noon.In(time.FixedZone("", 3600)), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, sum, v := signed(t, exampleKey)
			v.Skew = c.skew
			_, err := v.Verify(r, sum, c.now)
			if c.message == "" {
				if err != nil {
					t.Errorf("Verify: %v, want nil", err)
				}
			} else if e := wantCode(t, err, InvalidSignature); e.Message != c.message {
				t.Errorf("message\n got %q\nwant %q", e.Message, c.message)
			}
		})
	}
}

// referenceRequest is a GET of /inference-profiles with these headers signed, by the reference.
func referenceRequest(headers [][2]string, stamp string) *http.Request {
	r := newRequest("GET", "/inference-profiles?type=SYSTEM_DEFINED", "bedrock.us-east-1.amazonaws.com", 0)
	names, signature := reference("GET", "/inference-profiles", "type=SYSTEM_DEFINED", headers, "", stamp, "us-east-1", "bedrock", exampleSecret)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+exampleID+"/"+stamp[:8]+"/us-east-1/bedrock/aws4_request,SignedHeaders="+names+",Signature="+signature)
	return r
}

func TestVerifyWhatNetHTTPKeepsOutsideTheHeader(t *testing.T) {
	const host, stamp = "bedrock.us-east-1.amazonaws.com", "20261120T120000Z"
	v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
	for _, c := range []struct {
		name    string
		headers [][2]string
		set     func(*http.Request)
		good    bool
	}{
		{"host", [][2]string{{"host", host}, {"x-amz-date", stamp}}, nil, true},
		{":authority, as AWS's JavaScript SDK signs over HTTP/2", [][2]string{{":authority", host}, {"x-amz-date", stamp}}, nil, true},
		{":authority of another host", [][2]string{{":authority", "evil.example"}, {"x-amz-date", stamp}}, nil, false},
		{"content-length", [][2]string{{"content-length", "12"}, {"host", host}, {"x-amz-date", stamp}},
			func(r *http.Request) { r.ContentLength = 12 }, true},
		{"content-length 0", [][2]string{{"content-length", "0"}, {"host", host}, {"x-amz-date", stamp}}, nil, true},
		{"content-length of a body in chunks", [][2]string{{"content-length", "12"}, {"host", host}, {"x-amz-date", stamp}},
			func(r *http.Request) { r.ContentLength = -1 }, false},
		{"content-length in the header is not believed", [][2]string{{"content-length", "12"}, {"host", host}, {"x-amz-date", stamp}},
			func(r *http.Request) { r.Header.Set("Content-Length", "12"); r.ContentLength = 13 }, false},
		{"transfer-encoding", [][2]string{{"host", host}, {"transfer-encoding", "chunked"}, {"x-amz-date", stamp}},
			func(r *http.Request) { r.ContentLength = -1; r.TransferEncoding = []string{"chunked"} }, true},
		{"CloudFront's own header needs no signature", [][2]string{{"host", host}, {"x-amz-date", stamp}},
			func(r *http.Request) { r.Header.Set("X-Amz-Cf-Id", "abc") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := referenceRequest(c.headers, stamp)
			r.Header.Set("X-Amz-Date", stamp)
			if c.set != nil {
				c.set(r)
			}
			_, err := v.Verify(r, emptySum, noon)
			if c.good && err != nil {
				t.Errorf("Verify: %v, want nil", err)
			} else if !c.good {
				wantCode(t, err, InvalidSignature)
			}
		})
	}
}

func TestVerifyDateHeader(t *testing.T) {
	v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: exampleKey})}
	for _, date := range []string{noon.Format(http.TimeFormat), "20261120T120000Z"} {
		r := referenceRequest([][2]string{{"date", date}, {"host", "bedrock.us-east-1.amazonaws.com"}}, "20261120T120000Z")
		r.Header.Set("Date", date)
		if _, err := v.Verify(r, emptySum, noon); err != nil {
			t.Errorf("Verify with Date %q: %v, want nil", date, err)
		}
		r.Header.Set("Date", noon.Add(time.Second).Format(http.TimeFormat))
		if _, err := v.Verify(r, emptySum, noon); err == nil {
			t.Error("Verify with another Date: nil, want an error")
		}
	}
}

// presigned returns a GET that is signed in its query, by the reference, as a server receives it.
func presigned(expires, token string) *http.Request {
	query := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261120%2Fus-east-1%2Fbedrock%2Faws4_request&X-Amz-Date=20261120T120000Z"
	if expires != "" {
		query += "&X-Amz-Expires=" + expires
	}
	if token != "" {
		query += "&X-Amz-Security-Token=" + url.QueryEscape(token)
	}
	query += "&X-Amz-SignedHeaders=host&type=SYSTEM_DEFINED"
	_, signature := reference("GET", "/inference-profiles", query, [][2]string{{"host", "bedrock"}}, "", "20261120T120000Z", "us-east-1", "bedrock", exampleSecret)
	return newRequest("GET", "/inference-profiles?"+query+"&X-Amz-Signature="+signature, "bedrock", 0)
}

func TestVerifyPresigned(t *testing.T) {
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) { r.RequestURI = strings.Replace(r.RequestURI, old, new, 1) }
	}
	for _, c := range []struct {
		name           string
		expires, token string
		change         func(*http.Request)
		after          time.Duration
		code, message  string // "" if the request is good
	}{
		{name: "good for as long as it says", expires: "3600", after: time.Hour},
		{name: "expired", expires: "3600", after: time.Hour + time.Second, code: InvalidSignature, message: "Signature expired: 20261120T120000Z is now earlier than 20261120T120001Z (20261120T130001Z - 60 min.)"},
		{name: "shorter than the skew", expires: "60", after: 61 * time.Second, code: InvalidSignature, message: "Signature expired"},
		{name: "not yet current", expires: "3600", after: -6 * time.Minute, code: InvalidSignature, message: "Signature not yet current"},
		{name: "without expiry, the clock's skew", after: 5 * time.Minute},
		{name: "without expiry, later", after: 6 * time.Minute, code: InvalidSignature, message: "Signature expired"},
		{name: "a week at most", expires: "604800", after: 7 * 24 * time.Hour},
		{name: "more than a week", expires: "604801", code: IncompleteSignature, message: "X-Amz-Expires must be between 1 and 604800 seconds."},
		{name: "not at all", expires: "0", code: IncompleteSignature, message: "X-Amz-Expires must be"},
		{name: "negative", expires: "-1", code: IncompleteSignature, message: "X-Amz-Expires must be"},
		{name: "not a number", expires: "1h", code: IncompleteSignature, message: "X-Amz-Expires must be"},
		{name: "session token", token: "a/b+c=="},
		{name: "expiry lengthened", expires: "3600", change: replace("Expires=3600", "Expires=3601"), code: InvalidSignature, message: "The request signature we calculated"},
		{name: "parameter changed", change: replace("SYSTEM", "sYSTEM"), code: InvalidSignature, message: "The request signature we calculated"},
		{name: "parameter added", change: replace("?", "?a=b&"), code: InvalidSignature, message: "The request signature we calculated"},
		{name: "parameters in another order", change: replace("?", "?&")},
		{name: "token changed", token: "abc", change: replace("Token=abc", "Token=abd"), code: UnrecognizedClient, message: "The security token"},
		{name: "date twice", change: replace("?", "?X-Amz-Date=20261120T120000Z&"), code: IncompleteSignature, message: "AWS query-string parameters must be given once each."},
		{name: "signature twice", change: replace("?", "?X-Amz-Signature=a&"), code: IncompleteSignature, message: "AWS query-string parameters must be given once each."},
		{name: "no credential and no date", change: func(r *http.Request) {
			r.RequestURI = "/?X-Amz-Signature=a&X-Amz-SignedHeaders=host&X-Amz-Algorithm=AWS4-HMAC-SHA256"
		}, code: IncompleteSignature,
			message: "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		{name: "another algorithm", change: replace("SHA256", "SHA1"), code: IncompleteSignature, message: "Unsupported AWS 'algorithm'"},
		{name: "an x-amz header beside it", change: func(r *http.Request) { r.Header.Set("X-Amz-Target", "a") }, code: InvalidSignature, message: "'X-Amz-Target' must be a 'SignedHeader'"},
		{name: "an Authorization header goes first", change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer a") }, code: IncompleteSignature, message: "Authorization header requires 'Credential'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := presigned(c.expires, c.token)
			if c.change != nil {
				c.change(r)
			}
			key := NewCredentials(exampleID, exampleSecret, c.token)
			v := &Verifier{Service: "bedrock", Region: "us-east-1", Lookup: only(Key{Credentials: key})}
			id, err := v.Verify(r, emptySum, noon.Add(c.after))
			if c.code == "" {
				if err != nil || id != exampleID {
					t.Errorf("Verify = %q, %v, want %s", id, err, exampleID)
				}
				return
			}
			if e := wantCode(t, err, c.code); !strings.HasPrefix(e.Message, c.message) {
				t.Errorf("message %q, want it to begin with %q", e.Message, c.message)
			}
		})
	}
}

func TestEchoIsBoundedAndHoldsNoSecret(t *testing.T) {
	secrets := map[string]string{"X-Amz-Security-Token": "canary-token", "Cookie": "canary-cookie", "X-Api-Key": "canary-key"}
	r, _ := invoke(t)
	r.RequestURI = r.URL.RequestURI() + "?X-Amz-Security-Token=canary-parameter"
	for name, value := range secrets {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Amz-Date", "20261120T120000Z")
	r.Header.Set("X-Amz-Long", strings.Repeat("x", 100_000))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/us-east-1/bedrock/aws4_request, "+
		"SignedHeaders=cookie;host;x-amz-date;x-amz-long;x-amz-security-token;x-api-key, Signature=00")
	v := &Verifier{Lookup: only(Key{Credentials: NewCredentials(exampleID, exampleSecret, "canary-token")})}
	_, err := v.Verify(r, emptySum, noon)
	e := wantCode(t, err, InvalidSignature)
	if got, want := len(e.Message), 10_000; got > want {
		t.Errorf("the message has %d bytes, want at most %d", got, want)
	}
	if strings.Contains(e.Message, "canary") || strings.Contains(e.Message, exampleSecret) {
		t.Errorf("the message holds a secret:\n%s", e.Message)
	}
	if want := "\ncookie:REDACTED\n"; !strings.Contains(e.Message, want) {
		t.Errorf("the message has no %q:\n%.500s", want, e.Message)
	}
}

func TestBeginNeedsNoBodyAndKeepsNoRequest(t *testing.T) {
	r, sum, v := signed(t, exampleKey)
	p, err := v.Begin(r, noon)
	if err != nil {
		t.Fatal(err)
	}
	*r = http.Request{} // the gateway may change headers while the body comes in
	if err := p.Finish(emptySum); err == nil {
		t.Error("Finish with the wrong hash: nil, want an error")
	}
	if err := p.Finish(sum); err != nil {
		t.Errorf("Finish after a wrong hash: %v, want nil", err)
	}
	if got := p.AccessKeyID(); got != exampleID {
		t.Errorf("AccessKeyID = %q, want %q", got, exampleID)
	}
}

func TestAccessKeyIDOfARequest(t *testing.T) {
	header, _, _ := signed(t, exampleKey)
	bearer := newRequest("GET", "/", "h", 0)
	bearer.Header.Set("Authorization", "Bearer abc")
	for _, c := range []struct {
		name   string
		r      *http.Request
		want   string
		signed bool
	}{
		{"signed in the header", header, exampleID, true},
		{"signed in the query", presigned("60", ""), exampleID, true},
		{"a bearer token", bearer, "", false},
		{"nothing", newRequest("GET", "/", "h", 0), "", false},
	} {
		if got, ok := AccessKeyID(c.r); got != c.want || ok != (c.want != "") {
			t.Errorf("%s: AccessKeyID = %q, %v, want %q", c.name, got, ok, c.want)
		}
		if got := Signed(c.r); got != c.signed {
			t.Errorf("%s: Signed = %v, want %v", c.name, got, c.signed)
		}
	}
}

// TestEveryChangedByteIsRefused changes each byte of all that a vector signs, by each of its bits.
func TestEveryChangedByteIsRefused(t *testing.T) {
	for _, c := range readVectors(t) {
		if unlike[c.name] != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			v, sum, original := c.verifier(), sha256.Sum256([]byte(c.body)), c.request
			tried := 0
			refused := func(what string, r *http.Request, sum [32]byte) {
				t.Helper()
				tried++
				if _, err := v.Verify(r, sum, c.at); err == nil {
					t.Errorf("accepted with %s", what)
				}
			}
			changes(original.Method, func(s string) {
				r := *original
				r.Method = s
				refused("method "+s, &r, sum)
			})
			changes(original.RequestURI, func(s string) {
				if sameTarget(s, original.RequestURI) {
					return
				}
				r := *original
				r.RequestURI = s
				refused("target "+s, &r, sum)
			})
			changes(original.Host, func(s string) {
				r := *original
				r.Host = s
				refused("host "+s, &r, sum)
			})
			changes(c.body, func(s string) { refused("body "+s, original, sha256.Sum256([]byte(s))) })
			for name, values := range original.Header {
				changes(values[0], func(s string) {
					if strings.Join(strings.Fields(s), " ") == strings.Join(strings.Fields(values[0]), " ") {
						return // white space that counts as one
					}
					r := *original
					r.Header = original.Header.Clone()
					r.Header[name][0] = s
					refused(name+": "+s, &r, sum)
				})
			}
			if want := 8 * 200; tried < want {
				t.Errorf("%d changes tried, want at least %d", tried, want)
			}
		})
	}
}

// changes calls f with s, each bit of it flipped in turn.
func changes(s string, f func(string)) {
	for i := range len(s) {
		for bit := range 8 {
			b := []byte(s)
			b[i] ^= 1 << bit
			f(string(b))
		}
	}
}

// sameTarget reports whether two request targets mean the same: runs of slashes are one, and a query is what
// net/url reads in it.
func sameTarget(a, b string) bool {
	pathA, rawA, _ := strings.Cut(a, "?")
	pathB, rawB, _ := strings.Cut(b, "?")
	queryA, errA := url.ParseQuery(rawA)
	queryB, errB := url.ParseQuery(rawB)
	return slashes(pathA) == slashes(pathB) && errA == nil && errB == nil && reflect.DeepEqual(queryA, queryB)
}

func slashes(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return "/" + strings.TrimPrefix(path, "/")
}

func TestEachBitOfTheHashCounts(t *testing.T) {
	r, sum, v := signed(t, exampleKey)
	for i := range sum {
		changed := sum
		changed[i] ^= 1 << (i % 8)
		if _, err := v.Verify(r, changed, noon); err == nil {
			t.Errorf("accepted with byte %s of the hash changed", strconv.Itoa(i))
		}
	}
}
