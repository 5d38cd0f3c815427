package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	nethttp "net/http"
	"net/url"
	"time"

	"parley/events"
	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// speech is who the learner talks with: a provider, or the built-in partner.
type speech struct {
	client  *realtime.Client
	name    string
	origin  string          // that browsers must reach; empty for our own
	handler nethttp.Handler // of the partner; nil for a provider
	partner *partner.Partner
}

// newSpeech takes the provider when there is a key for it, else the partner,
// which is served by our own web door under /partner.
func newSpeech(c Config, listen *url.URL, public *url.URL, logger *slog.Logger) (*speech, error) {
	config := realtime.Config{
		BaseURL: c.RealtimeURL, APIKey: c.APIKey, Auth: realtime.AuthStyle(c.RealtimeAuth),
		Model: c.Model, TranscriptionModel: c.TranscriptionModel, Voice: c.Voice,
	}
	if c.APIKey != "" {
		base, err := url.Parse(c.RealtimeURL)
		if err != nil {
			return nil, fmt.Errorf("PARLEY_REALTIME_URL: %w", err)
		}
		return &speech{client: realtime.New(config), name: base.Hostname(), origin: base.Scheme + "://" + base.Host}, nil
	}
	key := make([]byte, 16)
	rand.Read(key)
	config.APIKey, config.Auth, config.Dialect = hex.EncodeToString(key), realtime.AuthBearer, realtime.DialectPartner
	config.BaseURL = listen.JoinPath("partner", "v1").String()
	config.CallsURL = public.JoinPath("partner", "v1", "realtime", "calls").String()
	config.Model, config.Voice = "parley-partner", "espeak"
	p := partner.New(partner.Config{
		Key: config.APIKey, AllowedOrigin: public.String(), Now: time.Now, Random: rand.Reader, Logger: logger,
		CallLimit: c.SessionMax,
	})
	return &speech{client: realtime.New(config), name: "partner", handler: p.Handler(), partner: p}, nil
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
