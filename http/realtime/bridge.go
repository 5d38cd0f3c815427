package realtime

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxOffer bounds an offer, in bytes.
	maxOffer = 64 << 10
	// maxGrants bounds the tokens that wait for their call.
	maxGrants = 10_000
)

// bridge stands between the browser and a server that mints no tokens: it
// gives tokens of its own, each for one call, and opens that call with the
// standing key, which the browser never sees.
type bridge struct {
	client *Client
	opener opener

	mu     sync.Mutex
	grants map[string]grant // by token
}

// grant is what a token of the bridge opens.
type grant struct{ expires time.Time }

// grant makes a token. Such a server learns of the session only by an event,
// so the page has to send it.
func (b *bridge) grant(session json.RawMessage, ttl time.Duration) (Token, error) {
	now := b.client.config.Now()
	expires := now.Add(lifeOf(ttl))
	value := rand.Text()
	b.mu.Lock()
	defer b.mu.Unlock()
	for token, old := range b.grants {
		if !now.Before(old.expires) {
			delete(b.grants, token)
		}
	}
	if len(b.grants) >= maxGrants {
		return Token{}, &Error{Op: "mint", Class: ClassRate, Retryable: true, Err: errors.New("too many tokens wait for their call")}
	}
	b.grants[value] = grant{expires}
	return Token{
		Value: NewSecret(value), ExpiresAt: expires.UTC(), Session: session,
		CallsURL: b.client.config.CallsURL, Model: b.client.config.Model,
	}, nil
}

// use takes a token, once; false: unknown, used or expired.
func (b *bridge) use(token string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	granted, found := b.grants[token]
	delete(b.grants, token)
	return found && b.client.config.Now().Before(granted.expires)
}

// Calls serves the browser's offers where the provider mints no tokens, in
// the provider's own manner: POST application/sdp with the token as bearer →
// 201, the answer, and a Location where the call has an id. nil: browsers
// talk to the provider themselves. Mount it at Config.CallsURL, on the page's
// own origin.
func (c *Client) Calls() http.Handler {
	if c.bridge == nil {
		return nil
	}
	return http.HandlerFunc(c.bridge.serve)
}

func (b *bridge) serve(w http.ResponseWriter, r *http.Request) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "post an offer", http.StatusMethodNotAllowed)
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/sdp"):
		http.Error(w, "the offer must be application/sdp", http.StatusUnsupportedMediaType)
		return
	case !b.use(token):
		http.Error(w, "the token is unknown, used or expired", http.StatusUnauthorized)
		return
	}
	offer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOffer))
	if err != nil {
		http.Error(w, "the offer could not be read", http.StatusBadRequest)
		return
	}
	b.open(w, r, string(offer))
}

// open passes an offer on and its answer back.
func (b *bridge) open(w http.ResponseWriter, r *http.Request, offer string) {
	message, err := b.opener.offer(b.client.config.Model, offer)
	if err != nil {
		http.Error(w, "the offer cannot be passed on", http.StatusBadRequest)
		return
	}
	got, err := b.client.post(r.Context(), message)
	if err != nil {
		b.refuse(w, err)
		return
	}
	sdp, callID, err := b.opener.accept(got)
	if err != nil {
		b.refuse(w, &Error{Op: "call", Class: ClassUnknown, Status: got.status, Err: err})
		return
	}
	if callID != "" {
		w.Header().Set("Location", "/v1/realtime/calls/"+callID)
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, sdp) // a browser that left needs no answer
}

// refuse tells the browser the class, which is all that concerns it.
func (b *bridge) refuse(w http.ResponseWriter, err error) {
	b.client.config.Logger.Warn("the provider opened no call", "error", err)
	class, status := ClassUnknown, http.StatusBadGateway
	var failure *Error
	if errors.As(err, &failure) {
		class = failure.Class
	}
	if class == ClassRate {
		status = http.StatusTooManyRequests
	}
	http.Error(w, "the provider opened no call: "+string(class), status)
}
