package gateway

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/outcrop-dev/outcrop"
	"github.com/outcrop-dev/outcrop/internal/gateway/dialect/anthropic"
	"github.com/outcrop-dev/outcrop/internal/gateway/dialect/bedrock"
)

// hello answers / and /api/hello, with which Claude Code looks whether anybody is there.
func (g *Gateway) hello(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"message":"hello","server":"outcrop","version":` + strconv.Quote(g.Version) + "}\n"))
}

// readyLimit is how long finding credentials may take for the gateway to count as ready.
const readyLimit = 5 * time.Second

// ready answers 503 while the gateway has nothing to sign with.
func (g *Gateway) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
	defer cancel()
	if err := g.Client.Ready(ctx); err != nil {
		g.Log.Warn("not ready", "reason", err.Error())
		plain(w, http.StatusServiceUnavailable, "no AWS credentials; the log says why\n")
		return
	}
	plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text))
}

// models answers GET /v1/models and /v1/models/{id}.
func (g *Gateway) models(w http.ResponseWriter, r *http.Request, rt route) {
	if _, _, err := g.admit(w, r); err != nil {
		g.refuse(w, r, rt, err)
		return
	}
	text, err := anthropic.Models(g.Client.Region(), rt.id, r.URL.Query())
	if err != nil {
		g.refuse(w, r, rt, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

// control passes a list or get of Bedrock's control plane on, signed afresh.
func (g *Gateway) control(w http.ResponseWriter, r *http.Request, rt route) {
	_, _, err := g.admit(w, r)
	var answer *outcrop.Response
	if err == nil {
		answer, err = g.Client.Control(r.Context(), rt.operation, rt.id, r.URL.Query())
	}
	if err != nil {
		g.refuse(w, r, rt, err)
		return
	}
	text, _ := bedrock.Door{}.Encode(w.Header(), answer)
	g.write(w, text)
}
