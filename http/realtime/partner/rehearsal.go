package partner

import (
	"io"
	"net/http"
	"time"
)

// maxFaults bounds the body of PUT /v1/faults, in bytes.
const maxFaults = 16 << 10

// setFaults is PUT /v1/faults: what is minted from now on has these and no
// others, and the mints are counted anew.
func (p *Partner) setFaults(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFaults))
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_value", "The body could not be read."})
		return
	}
	faults, err := ParseFaults(raw)
	if err != nil {
		p.refuse(w, problem{http.StatusBadRequest, "invalid_value", err.Error()})
		return
	}
	p.mu.Lock()
	p.faults, p.minted = faults, 0
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// mintFaults are those of the mint that begins; refused: it is one of those
// that are.
func (p *Partner) mintFaults() (faults Faults, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.minted++
	return p.faults, p.faults.Mint != "" && p.minted > p.faults.MintAfter
}

// currentFaults are those of a call that begins without a token.
func (p *Partner) currentFaults() Faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// troubleMint plays the faults of minting; false: it has answered, or there
// is nobody left to answer.
func (p *Partner) troubleMint(w http.ResponseWriter, r *http.Request, faults Faults, refused bool) bool {
	if faults.MintDelay > 0 {
		delay := time.NewTimer(faults.MintDelay)
		defer delay.Stop()
		select {
		case <-delay.C:
		case <-r.Context().Done():
			return false
		case <-p.context.Done():
			p.refuse(w, problem{http.StatusServiceUnavailable, "server_error", "The partner is closing."})
			return false
		}
	}
	switch {
	case !refused:
		return true
	case faults.Mint == MintNetwork:
		panic(http.ErrAbortHandler) // net/http's way to break a connection
	}
	p.refuse(w, mintRefusals[faults.Mint])
	return false
}
