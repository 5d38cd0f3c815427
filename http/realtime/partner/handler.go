package partner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Bounds of what is read of a request, in bytes.
const (
	maxMint  = 256 << 10
	maxOffer = 64 << 10
)

// Handler serves the provider's routes, from Open to Close:
//
//	POST /v1/realtime/client_secrets      bearer: the key
//	POST /v1/realtime/calls               bearer: a token; SDP in, SDP out
//	POST /v1/realtime/calls               bearer: the key; a form of sdp and session in, SDP out
//	POST /v1/realtime/calls/{id}/hangup   bearer: the key
//	GET  /v1/realtime?call_id={id}        bearer: the key; WebSocket: the sideband
//	PUT  /v1/faults                       bearer: the key; only with Rehearsal
func (p *Partner) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/realtime/client_secrets", p.withKey(p.mint))
	mux.HandleFunc("POST /v1/realtime/calls/{id}/hangup", p.withKey(p.hangUp))
	mux.HandleFunc("GET /v1/realtime", p.withKey(p.openSideband))
	if p.config.Rehearsal {
		mux.HandleFunc("PUT /v1/faults", p.withKey(p.setFaults))
	}
	mux.HandleFunc("POST /v1/realtime/calls", p.withOrigin(p.createCall))
	mux.HandleFunc("OPTIONS /v1/realtime/calls", p.withOrigin(p.preflight))
	return mux
}

// problem is an answer that is no success, in the provider's shape.
type problem struct {
	status  int
	code    string
	message string
}

func (p *Partner) refuse(w http.ResponseWriter, is problem) {
	p.write(w, is.status, fields{"error": fields{
		"message": is.message, "type": "invalid_request_error", "code": is.code, "param": "",
	}})
}

func (p *Partner) write(w http.ResponseWriter, status int, body fields) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		p.config.Logger.Debug("partner: answer not delivered", "err", err)
	}
}

func bearer(r *http.Request) string {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found {
		return ""
	}
	return token
}

// withKey lets only holders of the standing key through.
func (p *Partner) withKey(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !p.holdsKey(r) {
			p.refuse(w, problem{http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided."})
			return
		}
		next(w, r)
	}
}

// withOrigin lets the one allowed page read the answers.
func (p *Partner) withOrigin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin := p.config.AllowedOrigin; origin != "" && r.Header.Get("Origin") == origin {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "Location")
		}
		next(w, r)
	}
}

func (p *Partner) preflight(w http.ResponseWriter, _ *http.Request) {
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// mint answers with a token for one call.
func (p *Partner) mint(w http.ResponseWriter, r *http.Request) {
	// Read whole first: until then the server does not notice who leaves.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMint))
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_value", "The body could not be read."})
		return
	}
	faults, refused := p.mintFaults()
	if !p.troubleMint(w, r, faults, refused) {
		return
	}
	settings, life, err := readMint(body)
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_value", err.Error()})
		return
	}
	p.grant(w, grant{session: settings, faults: faults}, life)
}

// readMint gives the session that is asked for and how long its token lives.
func readMint(body []byte) (session, time.Duration, error) {
	asked := struct {
		ExpiresAfter struct {
			Seconds int `json:"seconds"`
		} `json:"expires_after"`
		Session json.RawMessage `json:"session"`
	}{Session: json.RawMessage("{}")}
	asked.ExpiresAfter.Seconds = usualToken
	if err := json.Unmarshal(body, &asked); err != nil {
		return session{}, 0, fmt.Errorf("read the body: %w", err)
	}
	settings := newSession()
	if err := settings.update(asked.Session); err != nil {
		return session{}, 0, err
	}
	if seconds := asked.ExpiresAfter.Seconds; seconds < shortestToken || seconds > longestToken {
		return session{}, 0, errors.New("expires_after.seconds must be 10 to 7200")
	}
	return settings, time.Duration(asked.ExpiresAfter.Seconds) * time.Second, nil
}

// grant answers with a token.
func (p *Partner) grant(w http.ResponseWriter, granted grant, life time.Duration) {
	value, err := newID(p.config.Random, "ek")
	if err == nil {
		granted.session.ID, err = newID(p.config.Random, "sess")
	}
	if err != nil {
		p.fail(w, "mint", err)
		return
	}
	now := p.config.Now()
	granted.expires = now.Add(life)
	if early := granted.faults.TokenLife; early > 0 {
		granted.expires = now.Add(early)
	}
	p.tokens.add(value, granted, now)
	p.write(w, http.StatusOK, fields{
		"value": value, "expires_at": now.Add(life).Unix(), "session": granted.session,
	})
}

// createCall answers an offer and lets the call run.
func (p *Partner) createCall(w http.ResponseWriter, r *http.Request) {
	if isForm(r) {
		p.withKey(p.createOwnCall)(w, r)
		return
	}
	granted, good := p.tokens.use(bearer(r), p.config.Now())
	if !good {
		p.refuse(w, problem{http.StatusUnauthorized, "invalid_client_secret", "The client secret is unknown, used or expired."})
		return
	}
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/sdp") {
		p.refuse(w, problem{http.StatusUnsupportedMediaType, "unsupported_content_type", "The offer must be application/sdp."})
		return
	}
	offer, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOffer))
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_offer", "The offer could not be read."})
		return
	}
	p.answer(w, r, granted, string(offer))
}

func (p *Partner) answer(w http.ResponseWriter, r *http.Request, granted grant, offer string) {
	c, err := p.newCall(granted)
	if err != nil {
		p.fail(w, "call", err)
		return
	}
	answer, err := c.negotiate(r.Context(), offer)
	if err != nil {
		c.abandon()
		p.config.Logger.Info("partner: offer refused", "call", c.id, "err", err)
		p.refuse(w, problem{http.StatusBadRequest, "invalid_offer", "The offer is no SDP that can be answered."})
		return
	}
	if !p.admit(c) {
		c.abandon()
		p.refuse(w, problem{http.StatusTooManyRequests, "rate_limit_exceeded", "Too many calls."})
		return
	}
	p.run(c)
	w.Header().Set("Location", "/v1/realtime/calls/"+c.id)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusCreated)
	if _, err := io.WriteString(w, answer); err != nil {
		p.config.Logger.Debug("partner: answer not delivered", "err", err)
	}
}

// hangUp ends a call; the second time it is not found.
func (p *Partner) hangUp(w http.ResponseWriter, r *http.Request) {
	c, found := p.take(r.PathValue("id"))
	if !found {
		p.refuse(w, problem{http.StatusNotFound, "call_id_not_found", "No session found for the provided call_id"})
		return
	}
	c.end()
	w.WriteHeader(http.StatusOK)
}

func (p *Partner) fail(w http.ResponseWriter, what string, err error) {
	p.config.Logger.Error("partner: "+what, "err", err)
	p.refuse(w, problem{http.StatusInternalServerError, "server_error", "The partner failed."})
}
