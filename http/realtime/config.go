package realtime

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// AuthStyle is how the API key is shown to the provider.
type AuthStyle string

// The known ways to show a key.
const (
	// AuthBearer sends "Authorization: Bearer KEY": OpenAI and the partner.
	AuthBearer AuthStyle = "bearer"
	// AuthAPIKey sends "api-key: KEY": Azure OpenAI.
	AuthAPIKey AuthStyle = "api-key"
)

// What a Config means where it is silent. The models are announced to be
// switched off in January and February 2027; their successors are set by
// configuration.
const (
	DefaultBaseURL            = "https://api.openai.com/v1"
	DefaultModel              = "gpt-realtime-mini"
	DefaultTranscriptionModel = "gpt-4o-mini-transcribe"
	DefaultVoice              = "marin"
	DefaultTimeout            = 5 * time.Second
	DefaultBackoff            = 250 * time.Millisecond
)

// Config names a provider. Each zero field means the default beside it.
type Config struct {
	// BaseURL is where the interface lives, its version included:
	// ".../v1", or ".../openai/v1" on Azure. Default: DefaultBaseURL.
	BaseURL string
	// CallsURL is where the browser posts its offer. Default: BaseURL with
	// "/realtime/calls". Set it when the browser reaches the provider by
	// another name than the server does.
	CallsURL string
	// APIKey is the standing key. It never leaves the server.
	APIKey string
	// Auth is how the key is shown. Default: AuthBearer.
	Auth AuthStyle
	// Model speaks; on Azure it is the name of a deployment.
	// Default: DefaultModel.
	Model string
	// TranscriptionModel writes down what the learner says; on Azure it must
	// be a deployment too. Default: DefaultTranscriptionModel.
	TranscriptionModel string
	// Voice is the tutor's voice. Default: DefaultVoice.
	Voice string
	// Dialect is how the wire differs. Default: DialectOpenAI.
	Dialect Dialect
	// Session is one JSON object of further parameters, merged into every
	// session that is asked for; where both speak, it wins. Empty: none.
	Session json.RawMessage
	// Timeout bounds one attempt at one request; there are at most two.
	// Default: DefaultTimeout.
	Timeout time.Duration
	// Now tells the time, for the tokens of servers that mint none.
	// Default: time.Now.
	Now func() time.Time
	// Backoff is the wait before a second connection to a call's sideband;
	// it doubles with each that fails. Default: DefaultBackoff.
	Backoff time.Duration
	// Logger takes what a provider answered that would not open a call for
	// the browser, and what of a sideband makes no sense. Default: nobody.
	Logger *slog.Logger
	// Transport carries the requests. Default: http.DefaultTransport.
	Transport http.RoundTripper
}

// withDefaults fills what is empty and takes trailing slashes off.
func (c Config) withDefaults() Config {
	fill(&c.BaseURL, DefaultBaseURL)
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	fill(&c.CallsURL, c.BaseURL+"/realtime/calls")
	fill(&c.Auth, AuthBearer)
	fill(&c.Model, DefaultModel)
	fill(&c.TranscriptionModel, DefaultTranscriptionModel)
	fill(&c.Voice, DefaultVoice)
	fill(&c.Dialect, DialectOpenAI)
	fill(&c.Timeout, DefaultTimeout)
	fill(&c.Backoff, DefaultBackoff)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
