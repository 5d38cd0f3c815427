package realtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 1 << 20

// Client speaks with one provider. It is safe for concurrent use and keeps no
// token of the provider's: each is fetched late and used once.
type Client struct {
	config  Config
	dialect dialect
	bridge  *bridge // nil: the provider mints tokens itself
	http    http.Client
}

// New makes a client. Nothing is sent before the first call of a method.
func New(config Config) *Client {
	config = config.withDefaults()
	c := &Client{config: config, dialect: dialectOf(config.Dialect), http: http.Client{
		Transport: config.Transport,
		// A redirect could carry the key to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if opener, bridged := c.dialect.(opener); bridged {
		c.bridge = &bridge{client: c, opener: opener, grants: map[string]grant{}}
	}
	return c
}

// Model is the model that tokens are minted for.
func (c *Client) Model() string { return c.config.Model }

// Voice is the voice that tokens are minted for.
func (c *Client) Voice() string { return c.config.Voice }

// Follows is true where the provider lets us hang calls up and listen to them.
func (c *Client) Follows() bool { return c.bridge == nil }

// callUnknown is the provider's code for a call that is over, or not known yet.
// Without it a 404 tells of the door, and nothing of the call.
const callUnknown = "call_id_not_found"

// HangUp ends a call from the server's side. A call that is already over is
// no error. Fails with *Error, on errors.ErrUnsupported where Follows is
// false.
func (c *Client) HangUp(ctx context.Context, callID string) error {
	if !c.Follows() {
		return &Error{Op: "hang up", Class: ClassUnknown, Err: errors.ErrUnsupported}
	}
	_, err := c.post(ctx, message{op: "hang up", path: "/realtime/calls/" + url.PathEscape(callID) + "/hangup", again: true})
	var failure *Error
	if errors.As(err, &failure) && failure.Code == callUnknown {
		return nil
	}
	return err
}

// message is one request to the provider, before the key is put on it.
type message struct {
	op     string
	path   string
	kind   string // of the body
	safety string // the account's hash; empty: not sent
	body   []byte
	// again: it may be sent twice. A token minted twice merely expires, and
	// a call hung up stays so; a call opened twice would be paid for twice.
	again bool
}

// answer is what the provider said to it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// post sends one request and, when no answer came or the server failed, sends
// it once more if it may. An answer that is no success is an *Error.
func (c *Client) post(ctx context.Context, message message) (answer, error) {
	got, err := c.postOnce(ctx, message)
	if (err != nil || got.status >= 500) && message.again && ctx.Err() == nil {
		got, err = c.postOnce(ctx, message)
	}
	switch {
	case err != nil:
		return answer{}, &Error{Op: message.op, Class: ClassNetwork, Retryable: true, Err: err}
	case got.status != http.StatusOK && got.status != http.StatusCreated:
		return answer{}, c.refusal(message.op, got)
	}
	return got, nil
}

func (c *Client) postOnce(ctx context.Context, message message) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.BaseURL+message.path, bytes.NewReader(message.body))
	if err != nil {
		return answer{}, fmt.Errorf("form the request: %w", err)
	}
	c.authorize(request.Header)
	if message.kind != "" {
		request.Header.Set("Content-Type", message.kind)
	}
	if message.safety != "" {
		request.Header.Set("OpenAI-Safety-Identifier", message.safety)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing to lose
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{response.StatusCode, response.Header, body}, err
}

func (c *Client) authorize(header http.Header) {
	switch {
	case c.config.APIKey == "": // a server of one's own may ask for none
	case c.config.Auth == AuthAPIKey:
		header.Set("api-key", c.config.APIKey)
	default:
		header.Set("Authorization", "Bearer "+c.config.APIKey)
	}
}
