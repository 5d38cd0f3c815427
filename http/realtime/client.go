package realtime

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxAnswer bounds what is read of one answer, in bytes.
const maxAnswer = 1 << 20

// Client speaks with one provider. It is safe for concurrent use and holds
// no token: each is fetched late and used once.
type Client struct {
	config Config
	http   http.Client
}

// New makes a client. Nothing is sent before the first call of a method.
func New(config Config) *Client {
	config = config.withDefaults()
	return &Client{config: config, http: http.Client{
		Transport: config.Transport,
		// A redirect could carry the key to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Model is the model that tokens are minted for.
func (c *Client) Model() string { return c.config.Model }

// Voice is the voice that tokens are minted for.
func (c *Client) Voice() string { return c.config.Voice }

// HangUp ends a call from the server's side. A call that is already over is
// no error. Fails with *Error.
func (c *Client) HangUp(ctx context.Context, callID string) error {
	status, body, err := c.post(ctx, message{op: "hang up", path: "/realtime/calls/" + url.PathEscape(callID) + "/hangup"})
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		return nil
	}
	failure := refusal("hang up", status, body)
	if failure.Code == "call_id_not_found" {
		return nil
	}
	return failure
}

// message is one request to the provider, before the key is put on it.
type message struct {
	op     string
	path   string
	safety string // the account's hash; empty: not sent
	body   []byte
}

// post sends one request and, when no answer came or the server failed,
// sends it once more. Both requests of this package may be repeated: a token
// minted twice merely expires, and a call that was hung up stays so.
func (c *Client) post(ctx context.Context, message message) (int, []byte, error) {
	status, answer, err := c.postOnce(ctx, message)
	if (err != nil || status >= 500) && ctx.Err() == nil {
		status, answer, err = c.postOnce(ctx, message)
	}
	if err != nil {
		return 0, nil, &Error{Op: message.op, Class: ClassNetwork, Retryable: true, Err: err}
	}
	return status, answer, nil
}

func (c *Client) postOnce(ctx context.Context, message message) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.BaseURL+message.path, bytes.NewReader(message.body))
	if err != nil {
		return 0, nil, fmt.Errorf("form the request: %w", err)
	}
	c.authorize(request)
	request.Header.Set("Content-Type", "application/json")
	if message.safety != "" {
		request.Header.Set("OpenAI-Safety-Identifier", message.safety)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }() // read-only: nothing to lose
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response.StatusCode, answer, err
}

func (c *Client) authorize(request *http.Request) {
	if c.config.Auth == AuthAPIKey {
		request.Header.Set("api-key", c.config.APIKey)
		return
	}
	request.Header.Set("Authorization", "Bearer "+c.config.APIKey)
}
