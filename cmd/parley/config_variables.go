package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// variable is one line of the configuration table.
type variable struct {
	// Name of the environment variable.
	Name string
	// Default is its value when it is not set. Empty: see Meaning.
	Default string
	// Meaning, for people; the README shows it.
	Meaning string

	secret bool                        // never repeat its value
	set    func(*Config, string) error // nil: read by a tool, not by the program
}

// shown is the value as a message may repeat it.
func (v variable) shown(text string) string {
	if v.secret {
		return "not usable"
	}
	return `"` + text + `"`
}

// variables is the one table of everything that is read from the environment.
func variables() []variable {
	return slices.Concat(serverVariables(), edgeVariables(), openIDVariables(), toolVariables())
}

// serverVariables are those of Parley itself and of the servers it stands on.
func serverVariables() []variable {
	return []variable{
		{Name: "PARLEY_NATS_URL", set: text(func(c *Config) *string { return &c.NATSURL }, each(address("nats", "tls", "ws", "wss"))),
			Meaning: "Event log elsewhere: one or more addresses of a NATS server with JetStream, separated by commas. Not set: the embedded one", secret: true},
		{Name: "PARLEY_NATS_CREDENTIALS", set: text(func(c *Config) *string { return &c.NATSCredentials }, anything),
			Meaning: "Path of the credentials file for PARLEY_NATS_URL. Not set: what the address says"},
		{Name: "PARLEY_NATS_MONITOR_URL", set: text(func(c *Config) *string { return &c.NATSMonitorURL }, each(address("http", "https"))),
			Meaning: "Monitoring address of that server, and of each other one of its cluster, separated by commas; shows whether they sync before they acknowledge"},
		{Name: "PARLEY_ACCEPT_UNKNOWN_DURABILITY", Default: "0", set: setAcceptUnknownDurability,
			Meaning: "1: start although nothing shows that that server syncs; acknowledged events may then be lost in a power cut"},

		{Name: "PARLEY_POSTGRES_URL", set: text(func(c *Config) *string { return &c.PostgresURL }, address("postgres", "postgresql")), secret: true,
			Meaning: "Read models elsewhere: address of a PostgreSQL 15 or newer. Not set: the embedded one"},
		{Name: "PARLEY_POSTGRES_BIN", set: text(func(c *Config) *string { return &c.PostgresBin }, anything),
			Meaning: "Folder of initdb and postgres for the embedded one. Not set: the npm packages, else PATH"},

		{Name: "PARLEY_S3_ENDPOINT", set: text(func(c *Config) *string { return &c.S3Endpoint }, origin),
			Meaning: "Object store elsewhere. Not set: the embedded one"},
		{Name: "PARLEY_S3_REGION", Default: "us-east-1", set: text(func(c *Config) *string { return &c.S3Region }, anything),
			Meaning: "Region of the object store"},
		{Name: "PARLEY_S3_BUCKET", Default: "parley", set: text(func(c *Config) *string { return &c.S3Bucket }, anything),
			Meaning: "Bucket for the audio; made if missing"},
		{Name: "PARLEY_S3_ACCESS_KEY", set: text(func(c *Config) *string { return &c.S3AccessKey }, anything),
			Meaning: "Access key for PARLEY_S3_ENDPOINT"},
		{Name: "PARLEY_S3_SECRET_KEY", set: text(func(c *Config) *string { return &c.S3SecretKey }, anything), secret: true,
			Meaning: "Secret key for PARLEY_S3_ENDPOINT"},
		{Name: "PARLEY_S3_PUBLIC_ENDPOINT", set: text(func(c *Config) *string { return &c.S3PublicEndpoint }, origin),
			Meaning: "Where browsers reach that store. Not set: recordings are uploaded through Parley"},

		{Name: "OPENAI_API_KEY", set: text(func(c *Config) *string { return &c.APIKey }, anything), secret: true,
			Meaning: "Key of the provider; it never leaves the server. Not set: the built-in partner"},
		{Name: "PARLEY_REALTIME_URL", Default: "https://api.openai.com/v1", set: text(func(c *Config) *string { return &c.RealtimeURL }, address("http", "https")),
			Meaning: "Where the provider's realtime interface lives, its version included"},
		{Name: "PARLEY_REALTIME_AUTH", Default: "bearer", set: text(func(c *Config) *string { return &c.RealtimeAuth }, oneOf("bearer", "api-key")),
			Meaning: "How the key is shown to the provider: bearer, or api-key as Azure wants it"},
		{Name: "PARLEY_REALTIME_DIALECT", Default: "openai", set: text(func(c *Config) *string { return &c.RealtimeDialect }, oneOf("openai", "localai", "speaches", "partner")),
			Meaning: "How the provider's wire differs: openai (Azure too), localai, speaches, or partner for a `parley partner` elsewhere"},
		{Name: "PARLEY_REALTIME_SESSION", set: text(func(c *Config) *string { return &c.RealtimeSession }, jsonObject),
			Meaning: "One JSON object of further parameters, merged into every session that the provider is asked for"},
		{Name: "PARLEY_PARTNER_FAULTS", set: setPartnerFaults,
			Meaning: "For tests: troubles that the built-in partner plays, as one JSON object"},
		{Name: "PARLEY_MODEL", Default: "gpt-realtime-mini", set: text(func(c *Config) *string { return &c.Model }, anything),
			Meaning: "Model that speaks; on Azure the name of a deployment"},
		{Name: "PARLEY_TRANSCRIPTION_MODEL", Default: "gpt-4o-mini-transcribe", set: text(func(c *Config) *string { return &c.TranscriptionModel }, anything),
			Meaning: "Model that writes down what the learner says; on Azure the name of a deployment"},
		{Name: "PARLEY_VOICE", Default: "marin", set: text(func(c *Config) *string { return &c.Voice }, anything),
			Meaning: "Voice of the tutor"},

		{Name: "PARLEY_MASTER_KEY", set: setMasterKey, secret: true,
			Meaning: "Master key of the vault: 32 random bytes in base64; to rotate, the new one behind it. Not set: PARLEY_MASTER_KEY_COMMAND or PARLEY_MASTER_KEY_FILE"},
		{Name: "PARLEY_MASTER_KEY_COMMAND", set: text(func(c *Config) *string { return &c.MasterKeyCommand }, anything), secret: true,
			Meaning: "Command of the shell that prints the master key within 10 seconds, for key services. It is run at the start and when the key was rotated"},
		{Name: "PARLEY_MASTER_KEY_FILE", set: text(func(c *Config) *string { return &c.MasterKeyFile }, anything),
			Meaning: "File that holds the master key, which nobody else may read. Not set: in the data folder, made at the first start"},

		{Name: "PARLEY_PUBLIC_URL", set: text(func(c *Config) *string { return &c.PublicURL }, origin),
			Meaning: "Where browsers reach Parley. Not set: the loopback address that serve prints"},
		{Name: "PARLEY_UPLOAD_MAX", Default: "268435456", set: setUploadMax,
			Meaning: "Largest recording, in bytes (1 MiB to 5 GiB)"},
		{Name: "PARLEY_UPLOAD_TYPES", Default: "audio/webm,audio/mp4", set: setUploadTypes,
			Meaning: "What a recording may be, separated by commas. A browser that can make none of these records nothing"},
		{Name: "PARLEY_SESSION_MAX", Default: "60", set: setSessionMax,
			Meaning: "Longest session, in minutes (1 to 1440)"},
		{Name: "PARLEY_SESSION_IDLE", Default: "5m", set: setSessionIdle,
			Meaning: "When nobody speaks in a session for so long it is ended; the page warns before (1s to 1h)"},
		{Name: "PARLEY_SHOW_COST", Default: "0", set: setShowCost,
			Meaning: "1 shows learners what a session cost, by the provider's price list and its date"},
		{Name: "PARLEY_SESSION_SILENCE", Default: "30m", set: setSessionSilence,
			Meaning: "When nothing is heard of a session for so long it is ended as abandoned; what its browser holds is still taken (1s to 24h)"},

		{Name: "PARLEY_SWEEP_RATE", Default: "5", set: setSweepRate,
			Meaning: "How many events of deleted sessions each instance overwrites on disk in a second (1 to 10000). More makes appends wait: each rewrites up to 8 MB"},

		{Name: "PARLEY_ORPHAN_AGE", Default: "24h", set: setOrphanAge,
			Meaning: "How old what no event points at must be in the store before it is removed (1h to 720h). An upload that was announced lasts a week, and is left alone so much longer"},
		{Name: "PARLEY_LOG_LEVEL", Default: "info", set: setLogLevel,
			Meaning: "Least level of what is logged: debug, info, warn or error"},
		{Name: "PARLEY_LOG_FORMAT", Default: "text", set: text(func(c *Config) *string { return &c.LogFormat }, oneOf("text", "json")),
			Meaning: "How it is logged: text or json"},
	}
}

// toolVariables are read by make, npm and the tests.
func toolVariables() []variable {
	return []variable{
		{Name: "PARLEY_CHROMIUM", Meaning: "Browser of the tests. Not set: one on PATH, else one that make test installs"},
		{Name: "PARLEY_DEV_TARGET", Meaning: "Parley behind make dev. Not set: the address that make dev serves it on"},
	}
}

// text fills a field with what accept accepts.
func text(field func(*Config) *string, accept func(string) error) func(*Config, string) error {
	return func(c *Config, given string) error {
		if err := accept(given); err != nil {
			return err
		}
		*field(c) = given
		return nil
	}
}

func setAcceptUnknownDurability(c *Config, given string) error {
	c.AcceptUnknownDurability = given == "1"
	return oneOf("1", "0")(given)
}

func setUploadMax(c *Config, given string) (err error) {
	c.UploadMax, err = number(given, uploadLeast, uploadMost, "bytes")
	return err
}

func setUploadTypes(c *Config, given string) error {
	c.UploadTypes = strings.Split(given, ",")
	for i, one := range c.UploadTypes {
		if err := oneOf("audio/webm", "audio/mp4")(one); err != nil {
			return err
		}
		if slices.Contains(c.UploadTypes[:i], one) {
			return fmt.Errorf("%s is there twice", one)
		}
	}
	return nil
}

func setSessionMax(c *Config, given string) error {
	minutes, err := number(given, 1, sessionMost, "minutes")
	c.SessionMax = time.Duration(minutes) * time.Minute
	return err
}

func setSessionSilence(c *Config, given string) error {
	silence, err := time.ParseDuration(given)
	if err != nil || silence < silenceLeast || silence > silenceMost {
		return fmt.Errorf("write a time from %s to %s, such as 90s or 30m", silenceLeast, silenceMost)
	}
	c.SessionSilence = silence
	return nil
}

func setShowCost(c *Config, given string) error {
	c.ShowCost = given == "1"
	return oneOf("1", "0")(given)
}

func setSessionIdle(c *Config, given string) error {
	idle, err := time.ParseDuration(given)
	if err != nil || idle < idleLeast || idle > idleMost {
		return fmt.Errorf("write a time from %s to %s, such as 90s or 5m", idleLeast, idleMost)
	}
	c.SessionIdle = idle
	return nil
}

func setOrphanAge(c *Config, given string) error {
	age, err := time.ParseDuration(given)
	if err != nil || age < orphanLeast || age > orphanMost {
		return fmt.Errorf("write a time from %s to %s, such as 24h", orphanLeast, orphanMost)
	}
	c.OrphanAge = age
	return nil
}

func setSweepRate(c *Config, given string) (err error) {
	c.SweepRate, err = number(given, 1, sweepMost, "events a second")
	return err
}

func setLogLevel(c *Config, given string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	c.LogLevel = levels[given]
	return oneOf("debug", "info", "warn", "error")(given)
}
