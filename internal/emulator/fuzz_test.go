package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

// FuzzRequests sends anything by way of every operation: it is answered, or refused with a message, and
// never with a fault of our own.
func FuzzRequests(f *testing.F) {
	const converse = `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`
	f.Add("POST", "/model/"+opus+"/invoke", "", "X-Amzn-Bedrock-Request-Metadata", `{"a":"b"}`, user("hi"))
	f.Add("POST", "/model/"+opus+"/invoke-with-response-stream", "", "X-Amzn-Bedrock-GuardrailIdentifier", "g", user("hi"))
	f.Add("POST", "/model/"+opus+"/converse", "a=b", "Accept", "*/*", converse)
	f.Add("POST", "/model/us.amazon.nova-lite-v1%3A0/converse-stream", "", "", "", converse)
	f.Add("POST", "/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens", "", "", "", countBody(user("hi")))
	f.Add("POST", "/model/anthropic.claude-haiku-4-5-20251001-v1:0/count-tokens", "", "", "", `{"input":{"converse":`+converse+`}}`)
	f.Add("GET", "/foundation-models", "byProvider=anthropic&byOutputModality=TEXT", "", "", "")
	f.Add("GET", "/foundation-models/arn:aws:bedrock:us-east-1::foundation-model%2Fanthropic.claude-opus-5-5", "", "", "", "")
	f.Add("GET", "//inference-profiles/", "maxResults=3&type=SYSTEM_DEFINED&nextToken=Mzo", "", "", "")
	f.Add("GET", "/inference-profiles/"+opus, "", "", "", "")
	server := emulator.New(emulator.Config{APIKeys: []string{longTermKey}})
	f.Fuzz(func(t *testing.T, method, path, query, header, value, body string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || strings.ContainsAny(query, "# ") {
			t.Skip() // net/http answers these
		}
		u.RawQuery = query
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL = method, u
		r.Header.Set(header, value)
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			return
		}
		var refusal struct{ Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil || refusal.Message == "" || w.Code >= 500 || w.Header().Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s %s?%s with %s: %q and %q: got %d %v %s", method, path, query, header, value, body, w.Code, w.Header(), w.Body)
		}
	})
}
