package events

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// KindOfCall is the claim on one call at the provider.
const KindOfCall AggregateKind = "call"

// CallAggregate is the claim on a call, by the keyed hash of the provider's id.
func CallAggregate(hash string) Aggregate { return Aggregate{KindOfCall, hash} }

// CallClaimed says whose a call at the provider is, once and for ever: its id
// comes from a browser, and what the server does with it is done with our key.
type CallClaimed struct {
	Session SessionID `json:"session"`
	Call    int       `json:"call"`
}

// CallFollowed says that a call of ours is up, under which id the server hears
// it and can hang it up; or, refused, that the call of this id is not ours.
type CallFollowed struct {
	Call    int  `json:"call"`
	Refused bool `json:"refused,omitempty"`

	Private ProviderCall `json:"-"`
}

// ProviderCall is the sealed part of CallFollowed. No analyst is ever shown it.
type ProviderCall struct {
	ID string `json:"id"`
}

// Kind is call_claimed.
func (*CallClaimed) Kind() Kind { return KindCallClaimed }

// Kind is call_followed.
func (*CallFollowed) Kind() Kind { return KindCallFollowed }

// Sealed is the provider's id of the call.
func (b *CallFollowed) Sealed() any { return &b.Private }

// CallClaim is the claim on one call at the provider.
type CallClaim struct {
	holder *CallClaimed
	erased bool // with the session that held it
}

// Evolve takes in the next event.
func (c *CallClaim) Evolve(e Event) {
	switch b := e.Body.(type) {
	case *CallClaimed:
		if c.holder == nil {
			c.holder = b
		}
	case *ClaimErased:
		c.erased = true
	}
}

// Claim takes the call for one of a session's; doing it again drafts nothing.
// Errors: CodeConflict when it is another's, or was that of a session that is erased.
func (c *CallClaim) Claim(session SessionID, call int) ([]Event, error) {
	switch {
	case c.erased:
	case c.holder == nil:
		return Draft(&CallClaimed{session, call}), nil
	case c.holder.Session == session && c.holder.Call == call:
		return nil, nil
	}
	return nil, Errorf(CodeConflict, "this call at the provider was claimed before")
}

// Call is what the server knows of one call.
type Call struct {
	Number    int
	IssuedAt  time.Time
	ExpiresAt time.Time
	Token     EventID   // the event that noted its token
	Browser   BrowserID // that asked for it; empty for an old one
	Connected bool
	Dropped   bool
	Provider  string // the provider's id of it; empty: not claimed, or its key is destroyed
	Refused   bool   // that id is another's call
}

// TokenMinted is what is noted of a token.
type TokenMinted struct {
	// ID names the event. It is chosen before the minting, since the mark that
	// the call shows derives from it.
	ID        EventID
	ExpiresAt time.Time
	Took      time.Duration
	Browser   BrowserID // that asked for it
	Until     Until
}

// Until is when the server ends a session by itself, and why.
type Until struct {
	At  time.Time // zero: never
	Why EndReason
}

// IssueToken notes that a token was minted and gives it the next call's
// number: the first is issued, later ones are refreshed. Errors: CodeEnded.
func (s *Session) IssueToken(minted TokenMinted) (call int, drafts []Event, err error) {
	if err := s.Talking(); err != nil {
		return 0, nil, err
	}
	call = s.NextCall()
	noted := TokenIssued{
		Call: call, ExpiresAt: minted.ExpiresAt.UTC(), MintMS: minted.Took.Milliseconds(), Browser: minted.Browser,
	}
	if !minted.Until.At.IsZero() {
		until := minted.Until.At.UTC()
		noted.Until, noted.UntilWhy = &until, minted.Until.Why
	}
	refreshed := TokenRefreshed(noted)
	drafts = Draft(&refreshed)
	if call == 1 {
		drafts = Draft(&noted)
	}
	drafts[0].ID = minted.ID
	return call, drafts, nil
}

// issue takes in that a token was noted.
func (s *Session) issue(e Event, b TokenIssued) {
	s.Calls[b.Call] = &Call{Number: b.Call, IssuedAt: e.Time, ExpiresAt: b.ExpiresAt, Token: e.ID, Browser: b.Browser}
	if b.Until != nil {
		s.Until = Until{*b.Until, b.UntilWhy}
	}
}

// MayClaim refuses a provider's id for a call that has no token, or another id.
// Errors: CodeUnknownCall, CodeConflict.
func (s *Session) MayClaim(call int, provider string) error {
	switch c := s.Calls[call]; {
	case c == nil:
		return Errorf(CodeUnknownCall, "there is no such call")
	case c.Provider != "" && c.Provider != provider:
		return Errorf(CodeConflict, "this call has another id at the provider")
	}
	return nil
}

// Follow notes the provider's id of a call, once. Errors: those of MayClaim,
// CodeErased.
func (s *Session) Follow(call int, provider string) ([]Event, error) {
	if err := s.deleted(); err != nil {
		return nil, err
	}
	if err := s.MayClaim(call, provider); err != nil || s.Calls[call].Provider == provider {
		return nil, err
	}
	return Draft(&CallFollowed{Call: call, Private: ProviderCall{provider}}), nil
}

// Refuse notes that the call under a call's id is not ours, once: it is neither
// heard nor hung up, and the call gets no other id.
func (s *Session) Refuse(call int) ([]Event, error) {
	c := s.Calls[call]
	if s.deleted() != nil || c == nil || c.Refused {
		return nil, nil
	}
	return Draft(&CallFollowed{Call: call, Refused: true, Private: ProviderCall{c.Provider}}), nil
}

// Hear takes what the server heard of a call itself; what is known already
// drafts nothing. It goes on after the session's end: only erasure refuses what
// arrives late. Errors: CodeErased, CodeUnknownCall.
func (s *Session) Hear(call int, bodies []Body) (drafts []Event, err error) {
	if err := s.deleted(); err != nil {
		return nil, err
	}
	if s.Calls[call] == nil {
		return nil, Errorf(CodeUnknownCall, "there is no such call")
	}
	for _, b := range bodies {
		e := Event{Via: ViaSideband, Body: b}
		if s.Turns.knows(e, s.held) || wordsCarried(b) {
			continue
		}
		drafts = append(drafts, e)
	}
	return drafts, nil
}

// Lost notes that a call is over which nobody hung up here; once.
func (s *Session) Lost(call int, cause string) ([]Event, error) {
	if s.deleted() != nil || s.Calls[call] == nil || s.Calls[call].Dropped {
		return nil, nil
	}
	drafts := Draft(&CallDropped{Call: call, Cause: cause})
	drafts[0].Via = ViaSideband
	return drafts, nil
}

// Running are the calls that the server can hang up: it knows their id, and not
// that they are over or another's.
func (s *Session) Running() []*Call {
	var running []*Call
	for _, call := range slices.SortedFunc(maps.Values(s.Calls), func(a, b *Call) int { return cmp.Compare(a.Number, b.Number) }) {
		if call.Provider != "" && !call.Dropped && !call.Refused {
			running = append(running, call)
		}
	}
	return running
}

// LastCall is the call whose token was minted last; nil: there is none.
func (s *Session) LastCall() *Call { return s.Calls[s.NextCall()-1] }

// InCall tells whether a call is up, as far as anybody told.
func (s *Session) InCall() bool {
	last := s.LastCall()
	return last != nil && last.Connected && !last.Dropped
}

// Ending is the end of the session as far as the server can tell: a recording
// that was begun lies on the device until the device brings it, and the outbox
// went at least as far as the highest number that came.
func (s *Session) Ending(because EndReason) *SessionEnded {
	return &SessionEnded{Reason: because, RecordingExpected: s.recorded || s.Upload != nil, LastN: s.Received.Highest()}
}

// Stop ends the talking for a server that has to. Once it has ended it drafts
// nothing. Errors: CodeErased.
func (s *Session) Stop(because EndReason) ([]Event, error) {
	if s.Ended != nil {
		return nil, s.deleted()
	}
	return s.End(s.Ending(because))
}
