package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/http"
	"parley/http/realtime"
)

// Config is what the environment says. A field that is empty was not set and
// has no default; [variables] documents each.
type Config struct {
	NATSURL                 string
	NATSCredentials         string
	NATSMonitorURL          string
	AcceptUnknownDurability bool

	PostgresURL string
	PostgresBin string

	S3Endpoint       string
	S3Region         string
	S3Bucket         string
	S3AccessKey      string
	S3SecretKey      string
	S3PublicEndpoint string

	APIKey             string
	RealtimeURL        string
	RealtimeAuth       string
	RealtimeDialect    string
	RealtimeSession    string // a JSON object
	PartnerFaults      string // a JSON object
	Model              string
	TranscriptionModel string
	Voice              string

	MasterKey        string // base64 of 32 bytes; two while it is rotated
	MasterKeyFile    string
	MasterKeyCommand string

	OpenID http.OpenID

	PublicURL      string
	Edges          Edges
	UploadMax      int64 // bytes
	UploadTypes    []string
	SessionMax     time.Duration
	SessionIdle    time.Duration
	ShowCost       bool
	SessionSilence time.Duration
	SweepRate      int64 // events a second
	OrphanAge      time.Duration

	LogLevel  slog.Level
	LogFormat string
}

// Bounds of what may be asked for.
const (
	uploadLeast  = 1 << 20
	uploadMost   = 5 << 30 // what S3 takes in one object that is copied whole
	sessionMost  = 24 * 60 // minutes
	masterLength = 32
	idleLeast    = time.Second
	idleMost     = time.Hour
	orphanLeast  = time.Hour // a signed address is long dead by then
	orphanMost   = 720 * time.Hour
	silenceLeast = time.Second // timers know whole seconds
	silenceMost  = 24 * time.Hour
	sweepMost    = 10_000 // events a second
)

// readConfig reads the environment, as os.Environ gives it. Its error joins every
// problem there is: each a sentence that names its variable and the cure. An
// empty variable counts as one that is not set.
func readConfig(environ []string) (Config, error) {
	given, problems := sortOut(environ)
	var config Config
	for _, v := range variables() {
		text := given[v.Name]
		if text == "" {
			text = v.Default
		}
		if text == "" || v.set == nil {
			continue
		}
		if err := v.set(&config, text); err != nil {
			problems = append(problems, fmt.Errorf("%s is %s: %w", v.Name, v.shown(text), err))
		}
	}
	problems = append(problems, config.contradictions()...)
	return config, errors.Join(problems...)
}

// sortOut picks what is meant for us and names what nobody reads: a misspelt
// variable would otherwise be a default that nobody asked for.
func sortOut(environ []string) (map[string]string, []error) {
	known := map[string]bool{}
	for _, v := range variables() {
		known[v.Name] = true
	}
	given := map[string]string{}
	var problems []error
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		switch {
		case known[name]:
			given[name] = strings.TrimSpace(text)
		case strings.HasPrefix(name, "PARLEY_"):
			problems = append(problems, fmt.Errorf("%s is not known: unset it%s", name, suggestion(name)))
		}
	}
	return given, problems
}

// suggestion names the variable that was probably meant: one that the name is
// the beginning of, or that it differs from in a letter or two.
func suggestion(name string) string {
	for _, v := range variables() {
		if strings.HasPrefix(v.Name, name) || distance(v.Name, name) <= 2 {
			return ", or write " + v.Name
		}
	}
	return ""
}

// distance is Levenshtein's: how many letters to insert, remove or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// contradictions are the problems that no variable has alone.
func (c Config) contradictions() []error {
	var problems []error
	complain := func(wrong bool, format string, v ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, v...))
		}
	}
	complain(c.NATSURL != "" && c.NATSMonitorURL == "" && !c.AcceptUnknownDurability,
		"PARLEY_NATS_URL is set, but not where to check that this server syncs before it acknowledges: set PARLEY_NATS_MONITOR_URL, or PARLEY_ACCEPT_UNKNOWN_DURABILITY=1 to do without")
	complain(c.NATSURL == "" && c.NATSCredentials != "",
		"PARLEY_NATS_CREDENTIALS is set without PARLEY_NATS_URL: set both or neither")
	complain(c.NATSURL == "" && c.NATSMonitorURL != "",
		"PARLEY_NATS_MONITOR_URL is set without PARLEY_NATS_URL: set both or neither")
	complain(c.S3Endpoint != "" && (c.S3AccessKey == "" || c.S3SecretKey == ""),
		"PARLEY_S3_ENDPOINT is set, but not the keys for it: set PARLEY_S3_ACCESS_KEY and PARLEY_S3_SECRET_KEY")
	complain(c.S3Endpoint == "" && (c.S3AccessKey != "" || c.S3SecretKey != "" || c.S3PublicEndpoint != ""),
		"keys or a public endpoint for S3 are set without PARLEY_S3_ENDPOINT: set that too, or unset them")
	complain(c.ownServer() && c.RealtimeURL == realtime.DefaultBaseURL,
		"PARLEY_REALTIME_DIALECT is %s, but PARLEY_REALTIME_URL is OpenAI's: set the address of your server", c.RealtimeDialect)
	complain(c.MasterKey != "" && c.MasterKeyFile != "",
		"PARLEY_MASTER_KEY and PARLEY_MASTER_KEY_FILE are both set: unset one")
	complain(c.MasterKeyCommand != "" && (c.MasterKey != "" || c.MasterKeyFile != ""),
		"PARLEY_MASTER_KEY_COMMAND is set beside another source of the master key: unset one")
	c.edgeContradictions(complain)
	complain((c.OpenID.Issuer == "") != (c.OpenID.ClientID == ""),
		"PARLEY_OIDC_ISSUER and PARLEY_OIDC_CLIENT_ID go together: set both or neither")
	return problems
}

// ownServer is true for servers that people run themselves; they may ask for no key.
func (c Config) ownServer() bool {
	return c.RealtimeDialect == string(realtime.DialectLocalAI) || c.RealtimeDialect == string(realtime.DialectSpeaches)
}

// oneOf accepts a word of a list.
func oneOf(words ...string) func(string) error {
	return func(text string) error {
		if !slices.Contains(words, text) {
			return fmt.Errorf("write %s", strings.Join(words, " or "))
		}
		return nil
	}
}

// address accepts a URL with a host and one of the schemes.
func address(schemes ...string) func(string) error {
	return func(text string) error {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
			return fmt.Errorf("write a URL that begins with %s://", strings.Join(schemes, ":// or "))
		}
		return nil
	}
}

// each accepts a list of what accept accepts, separated by commas.
func each(accept func(string) error) func(string) error {
	return func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			if err := accept(strings.TrimSpace(part)); err != nil {
				return err
			}
		}
		return nil
	}
}

// origin accepts a URL of scheme, host and port alone: browsers compare it.
func origin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme+"://"+u.Host != text {
		return errors.New("write scheme, host and port alone, without a path: https://parley.example")
	}
	return nil
}

func anything(string) error { return nil }

// jsonObject accepts one JSON object.
func jsonObject(text string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return errors.New("write one JSON object, as {\"max_output_tokens\": 500}")
	}
	return nil
}

// number reads a whole number between least and most, both allowed.
func number(text string, least, most int64, unit string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("write a number of %s from %d to %d", unit, least, most)
	}
	return n, nil
}

func setMasterKey(c *Config, text string) error {
	keys := strings.Fields(text)
	for _, key := range keys {
		raw, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(raw) != masterLength || len(keys) > 2 {
			return fmt.Errorf("write %d random bytes in base64, as `openssl rand -base64 %d` prints them; to rotate, the new ones behind the old", masterLength, masterLength)
		}
	}
	c.MasterKey = text
	return nil
}
