package main

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/http/realtime"
	"parley/http/realtime/partner"
)

// aPartner is a provider of the real protocol, on a port of its own.
func aPartner(t *testing.T, config partner.Config) string {
	t.Helper()
	return aPartnerBehind(t, config, func(p http.Handler) http.Handler { return p })
}

// aPartnerBehind is one behind a door of the test's.
func aPartnerBehind(t *testing.T, config partner.Config, door func(http.Handler) http.Handler) string {
	t.Helper()
	config.Now, config.Random, config.Logger = time.Now, rand.Reader, slog.New(slog.NewTextHandler(t.Output(), nil))
	p := partner.New(config)
	if err := p.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(door(p.Handler()))
	t.Cleanup(func() {
		server.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL + "/v1"
}

// of gives the one finding of a check.
func of(t *testing.T, found []finding, check string) finding {
	t.Helper()
	for _, f := range found {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("no %s in %+v", check, found)
	return finding{}
}

func TestDoctorTriesTheProvider(t *testing.T) {
	environ := func(url, key string) []string {
		return []string{"OPENAI_API_KEY=" + key, "PARLEY_REALTIME_URL=" + url, "PARLEY_REALTIME_DIALECT=partner"}
	}
	t.Run("only when asked to", func(t *testing.T) {
		found := examineProvider(t.Context(), environ("http://127.0.0.1:1/v1", "k"), false)
		if len(found) != 1 || found[0].Verdict != fine {
			t.Errorf("%+v", found)
		}
	})
	t.Run("and gets a token", func(t *testing.T) {
		url := aPartner(t, partner.Config{Key: "k"})
		if got := of(t, examineProvider(t.Context(), environ(url, "k"), true), "token"); got.Verdict != fine {
			t.Errorf("%+v", got)
		}
	})
	t.Run("and says what is wrong with the key, not the key", func(t *testing.T) {
		url := aPartner(t, partner.Config{Key: "k"})
		got := of(t, examineProvider(t.Context(), environ(url, "sk-wrong"), true), "token")
		if got.Verdict != problem || got.Cure != mintCures[realtime.ClassKey] || strings.Contains(got.Says, "sk-wrong") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("and says that nobody is there", func(t *testing.T) {
		closed := httptest.NewServer(http.NotFoundHandler())
		closed.Close()
		got := of(t, examineProvider(t.Context(), environ(closed.URL, "k"), true), "token")
		if got.Verdict != problem || got.Cure != mintCures[realtime.ClassNetwork] {
			t.Errorf("%+v", got)
		}
	})
	t.Run("but not one that mints no tokens", func(t *testing.T) {
		found := examineProvider(t.Context(), []string{"PARLEY_REALTIME_DIALECT=localai", "PARLEY_REALTIME_URL=http://127.0.0.1:1/v1"}, true)
		if got := of(t, found, "token"); got.Verdict != notice {
			t.Errorf("%+v", got)
		}
	})
	t.Run("and has nothing to try with the built-in partner", func(t *testing.T) {
		if found := examineProvider(t.Context(), nil, true); len(found) != 1 || found[0].Verdict != fine {
			t.Errorf("%+v", found)
		}
	})
}

func TestDoctorTellsOfModelsThatGo(t *testing.T) {
	client := realtime.New(realtime.Config{})
	on := realtime.Retirements()[0].On
	for when, want := range map[time.Time]verdict{on.Add(-time.Second): notice, on: problem} {
		t.Run(when.String(), func(t *testing.T) {
			got := examineModels(client, when)[0]
			if got.Verdict != want || !strings.HasPrefix(got.Cure, "set PARLEY_MODEL=gpt-realtime-2.1-mini ") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestConfigAsksWhereAnOwnServerIs(t *testing.T) {
	if _, err := readConfig([]string{"PARLEY_REALTIME_DIALECT=speaches"}); err == nil || !strings.Contains(err.Error(), "PARLEY_REALTIME_URL") {
		t.Errorf("got %v", err)
	}
}
