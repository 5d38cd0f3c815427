package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"net/url"
	"time"

	"parley/cmd/parley/embedded"
	"parley/events"
	"parley/events/jetstream"
	"parley/http/realtime"
	"parley/http/realtime/partner"
	"parley/projections/erasure"
)

// speech is who the learner talks with: a provider, or the built-in partner.
type speech struct {
	client *realtime.Client
	name   string
	origin string // that browsers must reach; empty for our own
	// scripted: it is a partner, here or elsewhere, and shows lines to say.
	scripted bool
	// handler opens calls on our own web door, under /partner: it is the
	// partner's, or the client's for a server that mints no tokens. nil: the
	// browser opens them at the provider.
	handler nethttp.Handler
	partner *partner.Partner // nil for a provider
}

// callsPath is where handler takes offers, below /partner.
const callsPath = "/v1/realtime/calls"

// newSpeech takes the provider when there is a key for it, or it needs none;
// else the partner.
func newSpeech(c Config, listen *url.URL, public *url.URL, logger *slog.Logger) (*speech, error) {
	if c.elsewhereSpeaks() {
		return newProvider(c, public, logger)
	}
	key := make([]byte, 16)
	rand.Read(key)
	config := realtime.Config{
		APIKey: hex.EncodeToString(key), Dialect: realtime.DialectPartner,
		BaseURL: listen.JoinPath("partner", "v1").String(), CallsURL: public.JoinPath("partner", callsPath).String(),
		Model: "parley-partner", Voice: "espeak", TranscriptionModel: c.TranscriptionModel,
	}
	faults, err := partner.ParseFaults([]byte(cmp.Or(c.PartnerFaults, "{}")))
	if err != nil {
		return nil, err
	}
	p := partner.New(partner.Config{
		Key: config.APIKey, AllowedOrigin: public.String(), Now: time.Now, Random: rand.Reader, Logger: logger,
		CallLimit: c.SessionMax, Faults: faults,
	})
	return &speech{client: realtime.New(config), name: "partner", scripted: true, handler: p.Handler(), partner: p}, nil
}

// elsewhereSpeaks is true when a provider is set up.
func (c Config) elsewhereSpeaks() bool { return c.APIKey != "" || c.ownServer() }

func newProvider(c Config, public *url.URL, logger *slog.Logger) (*speech, error) {
	base, err := url.Parse(c.RealtimeURL)
	if err != nil {
		return nil, fmt.Errorf("PARLEY_REALTIME_URL: %w", err)
	}
	s := &speech{name: base.Hostname(), scripted: c.RealtimeDialect == string(realtime.DialectPartner)}
	config := c.provider()
	config.Logger = logger
	if c.ownServer() {
		config.CallsURL = public.JoinPath("partner", callsPath).String()
	} else {
		s.origin = base.Scheme + "://" + base.Host
	}
	s.client = realtime.New(config)
	if calls := s.client.Calls(); calls != nil {
		mux := nethttp.NewServeMux()
		mux.Handle(callsPath, calls)
		s.handler = mux
	}
	warnOfRetirement(s.client, time.Now(), logger)
	return s, nil
}

// provider is what the environment says of the provider.
func (c Config) provider() realtime.Config {
	return realtime.Config{
		BaseURL: c.RealtimeURL, APIKey: c.APIKey, Auth: realtime.AuthStyle(c.RealtimeAuth),
		Dialect: realtime.Dialect(c.RealtimeDialect), Session: json.RawMessage(c.RealtimeSession),
		Model: c.Model, TranscriptionModel: c.TranscriptionModel, Voice: c.Voice,
	}
}

// callsFrom hangs up calls from a command, at the provider that its environment names.
// Without one, and with the partner within an instance, none is reached: whoever listens
// to a call hangs it up when its session is deleted.
func callsFrom(c Config, log *jetstream.Log, logger *slog.Logger) erasure.Calls {
	if !c.elsewhereSpeaks() {
		return unreached{}
	}
	return sidebandOf(log, realtime.New(c.provider()), nil, &realtime.Tally{}, logger)
}

// unreached are calls that nobody here can hang up.
type unreached struct{}

// HangUpAll does nothing.
func (unreached) HangUpAll(context.Context, []events.SessionID) error { return nil }

// speech is what other commands need to know of it.
func (c Config) speech() *embedded.Speech {
	if !c.elsewhereSpeaks() {
		return &embedded.Speech{Dialect: string(realtime.DialectPartner), TranscriptionModel: c.TranscriptionModel}
	}
	return &embedded.Speech{Dialect: c.RealtimeDialect, Model: c.Model, TranscriptionModel: c.TranscriptionModel}
}

// retirementNear is from how many days on a model's end is worth a warning.
const retirementNear = 120

func warnOfRetirement(client *realtime.Client, now time.Time, logger *slog.Logger) {
	for _, r := range client.Retiring() {
		if r.Days(now) <= retirementNear {
			logger.Warn("a model in use is announced to be switched off: "+r.Says(now), "source", r.Source)
		}
	}
}

func (s *speech) open(ctx context.Context) error {
	if s.partner == nil {
		return nil
	}
	return s.partner.Open(ctx)
}

func (s *speech) close() error {
	if s.partner == nil {
		return nil
	}
	return s.partner.Close()
}

// seedTopics puts the partner's scripts into the catalogue; what is there
// already stays, a new wording is a revision.
func seedTopics(ctx context.Context, log events.LoadAppender) (last events.Position, err error) {
	scripts, err := partner.Scripts()
	if err != nil {
		return 0, err
	}
	for _, script := range scripts {
		id := events.TopicID(script.TopicID)
		text := events.TopicText{Title: script.Title, Scenario: script.Scenario, Goals: script.Goals, Phrases: script.Phrases}
		at, err := events.Execute(ctx, log, id.Aggregate(), &events.Topic{ID: id}, stampOf(events.System("catalogue")), func(t *events.Topic) ([]events.Event, error) {
			return t.Add(script.Language, script.Level, "", text)
		})
		if err != nil {
			return 0, err
		}
		last = max(last, at)
	}
	return last, nil
}

// setPartnerFaults accepts faults that the partner knows.
func setPartnerFaults(c *Config, text string) error {
	_, err := partner.ParseFaults([]byte(text))
	c.PartnerFaults = text
	return err
}
