package main

import (
	"encoding/base64"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/http"
)

func TestConfigDefaults(t *testing.T) {
	config, err := readConfig([]string{"HOME=/home/ana", "PARLEY_VOICE="})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		S3Region: "us-east-1", S3Bucket: "parley",
		RealtimeURL: "https://api.openai.com/v1", RealtimeAuth: "bearer", RealtimeDialect: "openai",
		Model: "gpt-realtime-mini", TranscriptionModel: "gpt-4o-mini-transcribe", Voice: "marin",
		UploadMax: 256 << 20, UploadTypes: []string{"audio/webm", "audio/mp4"}, SessionMax: time.Hour, SessionIdle: 5 * time.Minute, SessionSilence: 30 * time.Minute,
		SweepRate: 5, OrphanAge: 24 * time.Hour,
		LogLevel: slog.LevelInfo, LogFormat: "text",
		Edges: Edges{Allowances: http.Allowances{
			Tokens: http.Rate{Most: 120, Per: time.Minute}, CallsAtOnce: 4, Talk: 4 * time.Hour,
			Uploads: http.Rate{Most: 60, Per: time.Hour}, UploadBytes: http.Rate{Most: 8 << 30, Per: 24 * time.Hour},
			Reports: http.Rate{Most: 6000, Per: time.Minute}, ReportBytes: http.Rate{Most: 64 << 20, Per: time.Minute},
		}},
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Error(diff)
	}
}

func TestConfigReadsEachVariable(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", masterLength)))
	for given, read := range map[string]func(Config) bool{
		"PARLEY_POSTGRES_URL=postgres://u:p@db/parley":                         func(c Config) bool { return c.PostgresURL == "postgres://u:p@db/parley" },
		"PARLEY_POSTGRES_BIN=/opt/pg/bin":                                      func(c Config) bool { return c.PostgresBin == "/opt/pg/bin" },
		"OPENAI_API_KEY=sk-1":                                                  func(c Config) bool { return c.APIKey == "sk-1" },
		"PARLEY_REALTIME_AUTH=api-key":                                         func(c Config) bool { return c.RealtimeAuth == "api-key" },
		`PARLEY_REALTIME_SESSION={"max_output_tokens":500}`:                    func(c Config) bool { return c.RealtimeSession != "" },
		"PARLEY_REALTIME_DIALECT=localai;PARLEY_REALTIME_URL=http://l:8080/v1": func(c Config) bool { return c.ownServer() },
		"PARLEY_MASTER_KEY=" + key:                                             func(c Config) bool { return c.MasterKey == key },
		"PARLEY_PUBLIC_URL=https://parley.example":                             func(c Config) bool { return c.PublicURL == "https://parley.example" },
		"PARLEY_UPLOAD_MAX=1048576":                                            func(c Config) bool { return c.UploadMax == uploadLeast },
		"PARLEY_UPLOAD_MAX=5368709120":                                         func(c Config) bool { return c.UploadMax == uploadMost },
		"PARLEY_UPLOAD_TYPES=audio/mp4":                                        func(c Config) bool { return slices.Equal(c.UploadTypes, []string{"audio/mp4"}) },
		"PARLEY_SESSION_MAX=1":                                                 func(c Config) bool { return c.SessionMax == time.Minute },
		"PARLEY_SESSION_MAX=1440":                                              func(c Config) bool { return c.SessionMax == 24*time.Hour },
		"PARLEY_SHOW_COST=1":                                                   func(c Config) bool { return c.ShowCost },
		"PARLEY_SESSION_IDLE=1s":                                               func(c Config) bool { return c.SessionIdle == time.Second },
		"PARLEY_SESSION_IDLE=1h":                                               func(c Config) bool { return c.SessionIdle == time.Hour },
		"PARLEY_SESSION_SILENCE=1s":                                            func(c Config) bool { return c.SessionSilence == time.Second },
		"PARLEY_SESSION_SILENCE=24h":                                           func(c Config) bool { return c.SessionSilence == 24*time.Hour },
		"PARLEY_ORPHAN_AGE=1h":                                                 func(c Config) bool { return c.OrphanAge == time.Hour },
		"PARLEY_ORPHAN_AGE=720h":                                               func(c Config) bool { return c.OrphanAge == 720*time.Hour },
		"PARLEY_LIMIT_TOKENS=0":                                                func(c Config) bool { return c.Edges.Allowances.Tokens == http.Rate{} },
		"PARLEY_LIMIT_TOKENS=5/90s":                                            func(c Config) bool { return c.Edges.Allowances.Tokens == http.Rate{Most: 5, Per: 90 * time.Second} },
		"PARLEY_LIMIT_CALLS=1000":                                              func(c Config) bool { return c.Edges.Allowances.CallsAtOnce == 1000 },
		"PARLEY_LIMIT_TALK=24h":                                                func(c Config) bool { return c.Edges.Allowances.Talk == 24*time.Hour },
		"PARLEY_LIMIT_REPORT_BYTES=1048576/1s":                                 func(c Config) bool { return c.Edges.Allowances.ReportBytes.Most == 1<<20 },
		"PARLEY_LIMIT_UPLOAD_BYTES=268435456/1h":                               func(c Config) bool { return c.Edges.Allowances.UploadBytes.Most == c.UploadMax },
		"PARLEY_TRUSTED_PROXIES=10.1.2.3/8, ::1/128;PARLEY_PROXY_HEADER=Forwarded": func(c Config) bool {
			return len(c.Edges.Proxies.Trusted) == 2 && c.Edges.Proxies.Trusted[0].String() == "10.0.0.0/8"
		},
		"PARLEY_TLS_CERT=a;PARLEY_TLS_KEY=b": func(c Config) bool { return c.Edges.TLSKey == "b" },
		"PARLEY_LOG_LEVEL=debug":             func(c Config) bool { return c.LogLevel == slog.LevelDebug },
		"PARLEY_LOG_FORMAT=json":             func(c Config) bool { return c.LogFormat == "json" },
		"PARLEY_CHROMIUM=/usr/bin/chromium":  func(Config) bool { return true },
		"PARLEY_NATS_URL=nats://a:4222, tls://b;PARLEY_ACCEPT_UNKNOWN_DURABILITY=1":   func(c Config) bool { return c.AcceptUnknownDurability },
		"PARLEY_NATS_URL=nats://a:4222;PARLEY_NATS_MONITOR_URL=http://a:8222":         func(c Config) bool { return c.NATSMonitorURL == "http://a:8222" },
		"PARLEY_S3_ENDPOINT=http://s:9;PARLEY_S3_ACCESS_KEY=a;PARLEY_S3_SECRET_KEY=b": func(c Config) bool { return c.S3SecretKey == "b" },
	} {
		t.Run(given, func(t *testing.T) {
			config, err := readConfig(strings.Split(given, ";"))
			if err != nil {
				t.Fatal(err)
			}
			if !read(config) {
				t.Errorf("got %+v", config)
			}
		})
	}
}

func TestConfigProblems(t *testing.T) {
	for given, cure := range map[string]string{
		"PARLEY_VIOCE=ash":                              "PARLEY_VIOCE is not known: unset it, or write PARLEY_VOICE",
		"PARLEY_UNHEARD_OF=1":                           "PARLEY_UNHEARD_OF is not known: unset it",
		"PARLEY_NATS_URL=localhost:4222":                `PARLEY_NATS_URL is not usable: write a URL that begins with nats://`,
		"PARLEY_POSTGRES_URL=mysql://db":                "PARLEY_POSTGRES_URL is not usable: write a URL that begins with postgres://",
		"PARLEY_PUBLIC_URL=https://parley.example/path": `PARLEY_PUBLIC_URL is "https://parley.example/path": write scheme, host and port alone`,
		"PARLEY_UPLOAD_MAX=1048575":                     "from 1048576 to 5368709120",
		"PARLEY_UPLOAD_MAX=5368709121":                  "from 1048576 to 5368709120",
		"PARLEY_UPLOAD_MAX=256MB":                       "PARLEY_UPLOAD_MAX is \"256MB\": write a number of bytes",
		"PARLEY_UPLOAD_TYPES=audio/webm,":               "write audio/webm or audio/mp4",
		"PARLEY_UPLOAD_TYPES=audio/webm,audio/ogg":      "write audio/webm or audio/mp4",
		"PARLEY_UPLOAD_TYPES=audio/mp4,audio/mp4":       "audio/mp4 is there twice",
		"PARLEY_SESSION_MAX=0":                          "write a number of minutes from 1 to 1440",
		"PARLEY_SESSION_MAX=1441":                       "write a number of minutes from 1 to 1440",
		"PARLEY_SESSION_IDLE=999ms":                     "write a time from 1s to 1h0m0s",
		"PARLEY_SESSION_IDLE=1h1s":                      "write a time from 1s to 1h0m0s",
		"PARLEY_SESSION_SILENCE=999ms":                  "write a time from 1s to 24h0m0s",
		"PARLEY_SESSION_SILENCE=24h0m1s":                "write a time from 1s to 24h0m0s",
		"PARLEY_SESSION_SILENCE=30":                     "such as 90s or 30m",
		"PARLEY_LOG_LEVEL=loud":                         "write debug or info or warn or error",
		"PARLEY_LIMIT_TOKENS=20":                        "write a number and a time, such as 20/1m",
		"PARLEY_LIMIT_TOKENS=0/1m":                      "write a number and a time, such as 20/1m",
		"PARLEY_LIMIT_TOKENS=1/999ms":                   "write a number and a time, such as 20/1m",
		"PARLEY_LIMIT_CALLS=1001":                       "write a number of sessions from 0 to 1000",
		"PARLEY_LIMIT_TALK=24h1s":                       "write a time from 0 to 24h0m0s",
		"PARLEY_LIMIT_UPLOAD_BYTES=268435455/24h":       "less than PARLEY_UPLOAD_MAX",
		"PARLEY_LIMIT_REPORT_BYTES=1048575/1m":          "less than one batch may hold",
		"PARLEY_TRUSTED_PROXIES=10.0.0.1":               "write networks with the length of their prefix",
		"PARLEY_TRUSTED_PROXIES=10.0.0.0/8":             "PARLEY_TRUSTED_PROXIES and PARLEY_PROXY_HEADER belong together",
		"PARLEY_PROXY_HEADER=Via":                       "write Forwarded or X-Forwarded-For or X-Real-IP",
		"PARLEY_TLS_CERT=a":                             "PARLEY_TLS_CERT and PARLEY_TLS_KEY belong together",
		"PARLEY_LOG_FORMAT=xml":                         "write text or json",
		"PARLEY_REALTIME_AUTH=basic":                    "write bearer or api-key",
		"PARLEY_ACCEPT_UNKNOWN_DURABILITY=yes":          "write 1 or 0",
		"PARLEY_MASTER_KEY=c2hvcnQ=":                    "openssl rand -base64 32",
		"PARLEY_NATS_URL=nats://a":                      "set PARLEY_NATS_MONITOR_URL",
		"PARLEY_NATS_CREDENTIALS=a.creds":               "without PARLEY_NATS_URL",
		"PARLEY_NATS_MONITOR_URL=http://a":              "without PARLEY_NATS_URL",
		"PARLEY_S3_ENDPOINT=http://s":                   "set PARLEY_S3_ACCESS_KEY and PARLEY_S3_SECRET_KEY",
		"PARLEY_S3_SECRET_KEY=b":                        "without PARLEY_S3_ENDPOINT",
	} {
		t.Run(given, func(t *testing.T) {
			_, err := readConfig(strings.Split(given, ";"))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), cure) {
				t.Errorf("got %q, want a sentence with %q", err, cure)
			}
		})
	}

	t.Run("are told all at once", func(t *testing.T) {
		_, err := readConfig([]string{"PARLEY_LOG_LEVEL=loud", "PARLEY_VOIC=ash", "PARLEY_SESSION_MAX=0", "PARLEY_S3_SECRET_KEY=b"})
		if err == nil {
			t.Fatal("it was accepted")
		}
		if got := len(strings.Split(err.Error(), "\n")); got != 4 {
			t.Errorf("got %d problems, want 4:\n%v", got, err)
		}
	})

	t.Run("do not repeat secrets", func(t *testing.T) {
		_, err := readConfig([]string{"PARLEY_MASTER_KEY=hunter2", "PARLEY_POSTGRES_URL=hunter2", "PARLEY_NATS_URL=hunter2"})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	})
}

func TestConfigTable(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range variables() {
		if seen[v.Name] {
			t.Errorf("%s stands in the table twice", v.Name)
		}
		seen[v.Name] = true
		if v.Meaning == "" {
			t.Errorf("%s has no meaning", v.Name)
		}
	}
}
