package main

import (
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
		UploadMax: 256 << 20, SessionMax: time.Hour, SessionSilence: 30 * time.Minute,
		LogLevel: slog.LevelInfo, LogFormat: "text",
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Error(diff)
	}
}

func TestConfigReadsEachVariable(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", masterLength)))
	for given, read := range map[string]func(Config) bool{
		"PARLEY_POSTGRES_URL=postgres://u:p@db/parley":                                func(c Config) bool { return c.PostgresURL == "postgres://u:p@db/parley" },
		"PARLEY_POSTGRES_BIN=/opt/pg/bin":                                             func(c Config) bool { return c.PostgresBin == "/opt/pg/bin" },
		"OPENAI_API_KEY=sk-1":                                                         func(c Config) bool { return c.APIKey == "sk-1" },
		"PARLEY_REALTIME_AUTH=api-key":                                                func(c Config) bool { return c.RealtimeAuth == "api-key" },
		`PARLEY_REALTIME_SESSION={"max_output_tokens":500}`:                           func(c Config) bool { return c.RealtimeSession != "" },
		"PARLEY_REALTIME_DIALECT=localai;PARLEY_REALTIME_URL=http://l:8080/v1":        func(c Config) bool { return c.ownServer() },
		"PARLEY_MASTER_KEY=" + key:                                                    func(c Config) bool { return c.MasterKey == key },
		"PARLEY_PUBLIC_URL=https://parley.example":                                    func(c Config) bool { return c.PublicURL == "https://parley.example" },
		"PARLEY_UPLOAD_MAX=1048576":                                                   func(c Config) bool { return c.UploadMax == uploadLeast },
		"PARLEY_UPLOAD_MAX=5368709120":                                                func(c Config) bool { return c.UploadMax == uploadMost },
		"PARLEY_SESSION_MAX=1":                                                        func(c Config) bool { return c.SessionMax == time.Minute },
		"PARLEY_SESSION_MAX=1440":                                                     func(c Config) bool { return c.SessionMax == 24*time.Hour },
		"PARLEY_SESSION_SILENCE=1s":                                                   func(c Config) bool { return c.SessionSilence == time.Second },
		"PARLEY_SESSION_SILENCE=24h":                                                  func(c Config) bool { return c.SessionSilence == 24*time.Hour },
		"PARLEY_LOG_LEVEL=debug":                                                      func(c Config) bool { return c.LogLevel == slog.LevelDebug },
		"PARLEY_LOG_FORMAT=json":                                                      func(c Config) bool { return c.LogFormat == "json" },
		"PARLEY_CHROMIUM=/usr/bin/chromium":                                           func(Config) bool { return true },
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
		"PARLEY_SESSION_MAX=0":                          "write a number of minutes from 1 to 1440",
		"PARLEY_SESSION_MAX=1441":                       "write a number of minutes from 1 to 1440",
		"PARLEY_SESSION_SILENCE=999ms":                  "write a time from 1s to 24h0m0s",
		"PARLEY_SESSION_SILENCE=24h0m1s":                "write a time from 1s to 24h0m0s",
		"PARLEY_SESSION_SILENCE=30":                     "such as 90s or 30m",
		"PARLEY_LOG_LEVEL=loud":                         "write debug or info or warn or error",
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
