package partner

import (
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
)

// holdsKey tells whether somebody comes with the standing key.
func (p *Partner) holdsKey(r *http.Request) bool {
	return p.config.Key != "" && subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(p.config.Key)) == 1
}

// isForm tells whether an offer comes together with its session.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

// createOwnCall answers the offer of a server that describes the session itself,
// with the standing key and without a token.
func (p *Partner) createOwnCall(w http.ResponseWriter, r *http.Request) {
	offer, asked, err := readForm(w, r)
	settings := newSession()
	if err == nil {
		err = settings.update(asked)
	}
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_value", err.Error()})
		return
	}
	if settings.ID, err = newID(p.config.Random, "sess"); err != nil {
		p.fail(w, "call", err)
		return
	}
	p.answer(w, r, grant{session: settings, faults: p.currentFaults()}, offer)
}

// readForm reads the two fields: sdp and session.
func readForm(w http.ResponseWriter, r *http.Request) (offer string, asked []byte, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxOffer+maxMint)
	form, err := r.MultipartReader()
	if err != nil {
		return "", nil, errors.New("the body is no form")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", nil, errors.New("the form does not read")
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return "", nil, errors.New("the form does not read")
		}
		switch part.FormName() {
		case "sdp":
			offer = string(value)
		case "session":
			asked = value
		}
	}
	if offer == "" || asked == nil {
		return "", nil, errors.New("the form needs the fields sdp and session")
	}
	return offer, asked, nil
}
