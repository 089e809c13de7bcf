package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/recordings"
)

// A jsonDoor is a route that takes JSON.
type jsonDoor struct {
	name, path    string
	before, after string                              // of a member's value in a good body
	answer        string                              // that a good body gets
	counted       func(t *testing.T, s string) string // what stands for the body in what was sent on; nil: all of it
}

// sent is what must go on of the good body with a value in it.
func (d jsonDoor) sent(value string) string {
	if d.isNative() {
		return d.before + value + d.after
	}
	_, members, _ := strings.Cut(d.before, `"max_tokens"`) // model and stream stand before it
	return `{"max_tokens"` + members + value + strings.TrimSuffix(d.after, "}") + "," + addedVersion + "}"
}

func (d jsonDoor) isNative() bool { return strings.HasPrefix(d.path, "/model/") }

// jsonDoors are all routes that take JSON. The value goes into a content block.
func jsonDoors() []jsonDoor {
	const (
		block    = `{"role":"user","content":[{"type":"text","text":"hi","x":`
		model    = `{"model":"claude-haiku-4-5","max_tokens":9,"messages":[` + block
		version  = `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[` + block
		converse = `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hi","x":`
		end      = `}]}]}`
	)
	events := strings.Builder{}
	for _, e := range []string{startEvent, deltaEvent, stopEvent} {
		name, _, _ := strings.Cut(strings.TrimPrefix(e, `{"type":"`), `"`)
		events.WriteString("event: " + name + "\ndata: " + e + "\n\n")
	}
	return []jsonDoor{
		{"Messages", "/v1/messages", model, end, whole, nil},
		{"Messages, streamed", "/v1/messages", `{"stream":true,` + model[1:], end, events.String(), nil},
		{"count_tokens", "/v1/messages/count_tokens", model, end, `{"input_tokens":3}`, countedBody},
		{"InvokeModel", nativePath, version, end, whole, nil},
		{"InvokeModelWithResponseStream", nativeStream, version, end, string(start) + string(delta) + string(stop), nil},
		{"CountTokens", strings.TrimSuffix(nativePath, "invoke") + "count-tokens", converse, end + "}}", `{"inputTokens":3}`, nil},
	}
}

// countedBody is the body within one of CountTokens.
func countedBody(t *testing.T, sent string) string {
	t.Helper()
	var count struct {
		Input struct{ InvokeModel struct{ Body []byte } }
	}
	if err := json.Unmarshal([]byte(sent), &count); err != nil {
		t.Fatalf("%.300q was sent: %v", sent, err)
	}
	return string(count.Input.InvokeModel.Body)
}

// answersJSON answers every operation well.
func answersJSON(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/count-tokens") {
		io.WriteString(w, `{"inputTokens":3}`)
		return
	}
	answers(start, delta, stop)(w, r)
}

// A jsonVerdict is what a door said of a body.
type jsonVerdict struct {
	status  int
	message string // of a refusal
	sent    string // what reached the upstream, "" if nothing did
}

// ask sends a body and checks all that holds of every answer: 200 with the good answer and one request
// sent on, or 400 in the door's shape and none.
func (d jsonDoor) ask(t *testing.T, r *rig, name, body string) (v jsonVerdict) {
	t.Helper()
	before := r.upstreamCalls()
	resp, text := r.send("POST", d.path, body)
	v.status = resp.StatusCode
	calls := r.upstreamCalls() - before
	if calls == 1 {
		r.mu.Lock()
		v.sent = string(r.sent[len(r.sent)-1])
		r.sent = r.sent[:0]
		r.mu.Unlock()
	}
	switch {
	case v.status == http.StatusOK && calls == 1 && text == d.answer:
		return v
	case v.status == http.StatusBadRequest && calls == 0:
		v.message = d.refusal(t, name, resp, text)
	default:
		t.Errorf("%s: %d %.300q after %d requests upstream, want 200 and the answer after one, or 400 after none", name, v.status, text, calls)
	}
	return v
}

// refusal reads the message of a refusal in the door's shape.
func (d jsonDoor) refusal(t *testing.T, name string, resp *http.Response, text string) string {
	t.Helper()
	code, want := "", "invalid_request_error"
	var message string
	var err error
	if d.isNative() {
		want = "ValidationException"
		code, message, err = nativeError(resp.Header, text)
	} else {
		code, message, err = anthropicError(text)
	}
	if err != nil || code != want {
		t.Errorf("%s: %q refused as %q (%v), want %s in the door's shape", name, text, code, err, want)
	}
	return message
}

// atEveryDoor calls f for each file of the suite at each door, doors in parallel, and returns what they
// said by file and door.
func atEveryDoor(t *testing.T, f func(t *testing.T, d jsonDoor, r *rig, file recordings.JSONFile) jsonVerdict) map[string]map[string]jsonVerdict {
	files := recordings.JSONSuite(t)
	var mu sync.Mutex
	said := map[string]map[string]jsonVerdict{}
	t.Run("doors", func(t *testing.T) {
		for _, d := range jsonDoors() {
			t.Run(d.name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, answersJSON)
				for _, file := range files {
					v := f(t, d, r, file)
					mu.Lock()
					if said[file.Name] == nil {
						said[file.Name] = map[string]jsonVerdict{}
					}
					said[file.Name][d.name] = v
					mu.Unlock()
				}
			})
		}
	})
	count := map[string]int{}
	for name, verdicts := range said {
		if len(verdicts) != len(jsonDoors()) {
			t.Errorf("%s was judged at %d doors", name, len(verdicts))
		}
		for _, v := range verdicts {
			count[name[:2]+" "+http.StatusText(v.status)]++
		}
	}
	t.Logf("%d files at %d doors: %v", len(said), len(jsonDoors()), count)
	return said
}

// TestJSONSuiteInAMessage embeds every file in a content block of a good body.
func TestJSONSuiteInAMessage(t *testing.T) {
	said := atEveryDoor(t, func(t *testing.T, d jsonDoor, r *rig, file recordings.JSONFile) jsonVerdict {
		value := string(file.Data)
		body := d.before + value + d.after
		v := d.ask(t, r, file.Name, body)
		if v.status == http.StatusOK {
			sent := v.sent
			if d.counted != nil {
				sent = d.counted(t, sent)
			}
			if want := d.sent(value); sent != want {
				t.Errorf("%s: %.300q was sent on, want all but what is decided by as it came: %.300q", file.Name, sent, want)
			}
		}
		switch file.Name[:2] {
		case "y_":
			if v.status != http.StatusOK {
				t.Errorf("%s: %d %s, want 200", file.Name, v.status, v.message)
			}
		case "n_":
			if json.Valid([]byte(body)) {
				t.Errorf("%s is valid JSON in a message: the test shows nothing", file.Name)
			}
			if v.status != http.StatusBadRequest {
				t.Errorf("%s: %d, want 400", file.Name, v.status)
			}
		}
		return v
	})
	for name, verdicts := range said {
		for door, v := range verdicts {
			if want := verdicts["Messages"]; v.status != want.status {
				t.Errorf("%s: %d at %s, %d at Messages", name, v.status, door, want.status)
			}
		}
	}
}

const (
	noModel      = "model: Field required"
	noObject     = "the request body is not an object: "
	noJSON       = "the request body is not valid JSON: "
	jsonSpace    = " \t\r\n"
	addedVersion = `"anthropic_version":"bedrock-2023-05-31"`
)

// TestJSONSuiteAsTheBody sends every file as the whole body. The native door takes any object. The
// Anthropic door cannot tell to which model one goes, and says that, which is no complaint about JSON.
//
// A body of the Messages API is an object: what begins otherwise is refused for that, be it valid (y_) or not
// (n_), mostly before the rest is looked at. So only the n_ files that begin with { show here that invalid
// JSON is refused as such; TestJSONSuiteInAMessage shows it of all.
func TestJSONSuiteAsTheBody(t *testing.T) {
	said := atEveryDoor(t, func(t *testing.T, d jsonDoor, r *rig, file recordings.JSONFile) jsonVerdict {
		v := d.ask(t, r, file.Name, string(file.Data))
		isObject := bytes.HasPrefix(bytes.TrimLeft(file.Data, jsonSpace), []byte("{"))
		taken := v.status == http.StatusOK
		switch {
		case taken && !d.isNative():
			t.Errorf("%s: taken without a model", file.Name)
		case taken && v.sent != d.passed(file.Data):
			t.Errorf("%s: %.300q was sent on, want %.300q", file.Name, v.sent, d.passed(file.Data))
		case file.Name[:2] == "y_" && !isObject:
			if !strings.HasPrefix(v.message, noObject) {
				t.Errorf("%s: %d %q, want 400 %q…", file.Name, v.status, v.message, noObject)
			}
		case file.Name[:2] == "y_" && d.isNative():
			if !taken {
				t.Errorf("%s: %d %q, want 200", file.Name, v.status, v.message)
			}
		case file.Name[:2] == "y_":
			if v.message != noModel {
				t.Errorf("%s: %d %q, want 400 %q", file.Name, v.status, v.message, noModel)
			}
		case file.Name[:2] == "n_" && isObject:
			if !strings.HasPrefix(v.message, noJSON) {
				t.Errorf("%s: %d %q, want 400 %q…", file.Name, v.status, v.message, noJSON)
			}
		case file.Name[:2] == "n_":
			if v.message == noModel || !strings.HasPrefix(v.message, noJSON) && !strings.HasPrefix(v.message, noObject) {
				t.Errorf("%s: %d %q, want 400 with what is wrong with it", file.Name, v.status, v.message)
			}
		}
		return v
	})
	for name, verdicts := range said {
		for door := range maps.Keys(verdicts) {
			v, native := verdicts[door], verdicts["InvokeModel"]
			same := v.status == native.status && v.message == native.message
			if sameBut := native.status == http.StatusOK && v.message == noModel; !same && !sameBut {
				t.Errorf("%s: %d %q at %s, %d %q at InvokeModel", name, v.status, v.message, door, native.status, native.message)
			}
		}
	}
}

// passed is what a native door sends on for an object: as it came, but that an InvokeModel body of Claude's
// gets the anthropic_version that it lacks.
func (d jsonDoor) passed(object []byte) string {
	if d.name == "CountTokens" {
		return string(object)
	}
	members := bytes.TrimRight(object[:bytes.LastIndexByte(object, '}')], jsonSpace)
	comma := ","
	if bytes.HasSuffix(members, []byte("{")) {
		comma = ""
	}
	return string(members) + comma + addedVersion + string(object[len(members):])
}

// TestMembersGivenTwice: what a door decides by reaches Bedrock once or not at all, and is the last one;
// what it does not decide by passes as it came.
func TestMembersGivenTwice(t *testing.T) {
	r := newRig(t, answersJSON)
	const (
		version = `"anthropic_version":"bedrock-2023-05-31"`
		rest    = `"max_tokens":1,"max_tokens":9,"messages":[],"messages":[]`
	)
	f := func(name, path, body, wantPath, want string) {
		t.Helper()
		before := r.upstreamCalls()
		resp, text := r.send("POST", path, body)
		if r.upstreamCalls() != before+1 {
			t.Errorf("%s: %d %s after %d requests upstream", name, resp.StatusCode, text, r.upstreamCalls()-before)
			return
		}
		r.mu.Lock()
		sent, gotPath := string(r.sent[before]), r.calls[before].URL.EscapedPath()
		r.mu.Unlock()
		if strings.HasSuffix(path, "/count_tokens") {
			sent = countedBody(t, sent)
		}
		if resp.StatusCode != 200 || gotPath != wantPath || sent != want {
			t.Errorf("%s: %d, sent to %s: %s\nwant %s: %s", name, resp.StatusCode, gotPath, sent, wantPath, want)
		}
	}
	counted := strings.Replace(strings.TrimSuffix(nativePath, "invoke")+"count-tokens", "us.", "", 1)
	two := `{"model":"opus",` + rest + `,"stream":true,"mod\u0065l":"claude-haiku-4-5","stream":false}`
	f("two models, and a stream that is none", "/v1/messages", two, nativePath, `{`+rest+`,`+version+`}`)
	f("two models to count", "/v1/messages/count_tokens", two, counted, `{`+rest+`,`+version+`}`)
	f("a stream after all", "/v1/messages", `{"model":"claude-haiku-4-5","stream":false,`+rest+`,"stream":true}`, nativeStream, `{`+rest+`,`+version+`}`)
	f("two versions and lists of betas", nativePath, `{"anthropic_version":"x",`+version+`,"anthropic_beta":["files-api-2025-04-14"],"anthropic_beta":["new-2027-01-01"],`+rest+`}`,
		nativePath, `{`+version+`,"anthropic_beta":["new-2027-01-01"],`+rest+`}`)
	f("nothing that is decided by", nativeStream, `{`+version+`,`+rest+`}`, nativeStream, `{`+version+`,`+rest+`}`)
}
