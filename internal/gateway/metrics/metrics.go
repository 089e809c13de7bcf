// Package metrics counts invocations for Prometheus. It reads Records; nothing else counts.
package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/outcrop-dev/outcrop/internal/catalog"
	"github.com/outcrop-dev/outcrop/internal/gateway/ledger"
)

// Metrics holds the gateway's own registry. It is safe for concurrent use.
type Metrics struct {
	registry     *prometheus.Registry
	requests     *prometheus.CounterVec
	errors       *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	firstContent *prometheus.HistogramVec
	tokens       *prometheus.CounterVec
	openStreams  prometheus.Gauge
}

// seconds are the buckets of both histograms: a count answers within milliseconds, a long turn
// takes minutes.
var seconds = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}

// New returns Metrics with a registry of its own.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_requests_total", Help: "Invocations that ended, by front door, operation, model and HTTP status.",
		}, []string{"door", "operation", "model", "status"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_errors_total", Help: "Invocations that failed, by front door, model and kind of error.",
		}, []string{"door", "model", "kind"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "outcrop_request_duration_seconds", Help: "Time from the request's head to the end of its answer.", Buckets: seconds,
		}, []string{"door", "operation"}),
		firstContent: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "outcrop_time_to_first_content_seconds", Help: "Time to the first content of a streamed answer.", Buckets: seconds,
		}, []string{"door", "model"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outcrop_tokens_total", Help: "Tokens as Bedrock reported them, by model and type (input, output, cache_read, cache_write).",
		}, []string{"model", "type"}),
		openStreams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "outcrop_open_streams", Help: "Streamed answers being passed on.",
		}),
	}
	m.registry.MustRegister(m.requests, m.errors, m.duration, m.firstContent, m.tokens, m.openStreams,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// StreamOpened counts a streamed answer as open until the function it returns is called.
func (m *Metrics) StreamOpened() (closed func()) {
	m.openStreams.Inc()
	return m.openStreams.Dec
}

// Observe counts a Record.
func (m *Metrics) Observe(r *ledger.Record) {
	model := modelLabel(r)
	m.requests.WithLabelValues(r.Door, r.Operation, model, statusLabel(r.Status)).Inc()
	if r.Kind != "" {
		m.errors.WithLabelValues(r.Door, model, string(r.Kind)).Inc()
	}
	m.duration.WithLabelValues(r.Door, r.Operation).Observe(r.Duration().Seconds())
	if d, ok := r.TimeToFirstContent(); ok {
		m.firstContent.WithLabelValues(r.Door, model).Observe(d.Seconds())
	}
	m.tokens.WithLabelValues(model, "input").Add(float64(r.Usage.InputTokens))
	m.tokens.WithLabelValues(model, "output").Add(float64(r.Usage.OutputTokens))
	m.tokens.WithLabelValues(model, "cache_read").Add(float64(r.Usage.CacheReadTokens))
	m.tokens.WithLabelValues(model, "cache_write").Add(float64(r.Usage.CacheWriteTokens))
}

// modelLabel names the model, from the catalogue only: a label's values must be few, and clients
// ask for what they like.
func modelLabel(r *ledger.Record) string {
	for _, id := range []string{r.Target.ModelID, r.Model} {
		if m, ok := catalog.Lookup(id); ok {
			return m.ID
		}
	}
	return "other"
}

func statusLabel(status int) string {
	if status < 100 || status > 599 {
		return "0"
	}
	return strconv.Itoa(status)
}
