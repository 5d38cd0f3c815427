package http

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/events"
	"parley/http/realtime"
)

// metrics counts what operators ask about; nothing in it names a person.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	rejects  *prometheus.CounterVec

	violations *prometheus.CounterVec
	now        func() time.Time
}

func newMetrics(tally *realtime.Tally, now func() time.Time) *metrics {
	m := &metrics{
		now:      now,
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "parley_http_request_seconds", Help: "Duration of requests by route and status.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10},
		}, []string{"method", "route", "status"}),
		rejects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_reports_rejected_total", Help: "Browser reports that could not be kept.",
		}, []string{"code"}),
		violations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_policy_violations_total", Help: "What the content policy kept pages from, as browsers tell it.",
		}, []string{"directive"}),
	}
	live := collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile("^/gc/heap/live:bytes$")})
	m.registry.MustRegister(m.requests, skipped{tally}, m.rejects, m.violations, collectors.NewGoCollector(live), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// skipped counts what a provider says and nobody knows here, as its tally does.
type skipped struct{ tally *realtime.Tally }

var skippedCount = prometheus.NewDesc("parley_provider_events_skipped_total",
	"Provider events of a type that this version does not know.", []string{"type"}, nil)

// Describe implements prometheus.Collector.
func (skipped) Describe(to chan<- *prometheus.Desc) { to <- skippedCount }

// Collect implements prometheus.Collector.
func (s skipped) Collect(to chan<- prometheus.Metric) {
	for name, times := range s.tally.Counts() {
		to <- prometheus.MustNewConstMetric(skippedCount, prometheus.CounterValue, float64(times), name)
	}
}

func (m *metrics) rejected(code events.Code) { m.rejects.WithLabelValues(string(code)).Inc() }

func (m *metrics) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := m.now()
		seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		route := chi.RouteContext(r.Context()).RoutePattern()
		if route == "" {
			route = "page"
		}
		m.requests.WithLabelValues(methodOf(r), route, strconv.Itoa(seen.status)).Observe(m.now().Sub(began).Seconds())
	})
}

// methodOf bounds a label that anyone can write.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
		return r.Method
	}
	return "other"
}

// statusWriter remembers the status for the count.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes and passes on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
