package emulator_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outcrop-dev/outcrop/internal/emulator"
)

// A timedWriter notes when the answer's head goes out, which is with its first bytes.
type timedWriter struct {
	*httptest.ResponseRecorder
	head time.Time
}

func (w *timedWriter) Write(p []byte) (int, error) {
	if w.head.IsZero() {
		w.head = time.Now()
	}
	return w.ResponseRecorder.Write(p)
}

// AWS's SDK for Go cuts a stream that begins before it has seen its own request end.
func TestAStreamTakesATimeToBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bedrock := emulator.New(emulator.Config{APIKeys: []string{longTermKey}})
		r := httptest.NewRequest("POST", "/model/"+haiku+"/invoke-with-response-stream", strings.NewReader(user("hi")))
		r.Header.Set("Authorization", "Bearer "+longTermKey)
		w := &timedWriter{ResponseRecorder: httptest.NewRecorder()}
		asked := time.Now()
		bedrock.ServeHTTP(w, r)
		if took := w.head.Sub(asked); w.Code != 200 || took < time.Millisecond {
			t.Errorf("status %d, the head of the answer after %v; want 200 and a millisecond", w.Code, took)
		}
	})
}
