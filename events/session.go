package events

import (
	"slices"
	"time"
)

// Session is one practice conversation, folded from its events.
type Session struct {
	ID        SessionID
	Learner   AccountID // empty while the session was never started
	Topic     TopicID
	StartedAt time.Time
	Calls     map[int]*Call
	Received  Numbers // outbox numbers that are in
	Turns     *Transcript
	Ended     *SessionEnded
	EndedAt   *time.Time       // when the talking ended first
	Upload    *UploadRequested // the latest
	UploadAt  time.Time        // when it was announced last
	Completed *UploadCompleted // of the latest upload
	Audio     *AudioFinalized
	Measured  *AudioMeasured // the levels of the audio
	Rejected  *AudioRejected // of the latest upload
	Deleted   *SessionDeleteRequested
	Erased    *SessionErased // the latest tombstone
	Positions []Position     // of every event so far, for the eraser
	Until     Until          // when the server ends it
	events    int
	recorded  bool    // its browser recorded
	held      Numbers // those of Received whose words are in Turns
}

// NewSession is a session that has not started.
func NewSession(id SessionID) *Session {
	return &Session{ID: id, Calls: map[int]*Call{}, Turns: NewTranscript()}
}

// Evolve takes in the next event.
func (s *Session) Evolve(e Event) {
	s.events++
	s.Positions = append(s.Positions, e.Position)
	s.Received, s.held = s.Received.Union(e.Outbox), s.held.Union(e.Outbox)
	s.Turns.Evolve(e)
	switch b := e.Body.(type) {
	case *SessionStarted:
		s.Learner, s.Topic, s.StartedAt = b.Learner, b.Topic, e.Time
	case *TokenIssued:
		s.issue(e, *b)
	case *TokenRefreshed:
		s.issue(e, TokenIssued(*b))
	case *CallConnected:
		s.onCall(b.Call, func(call *Call) { call.Connected = true })
	case *CallFollowed:
		s.onCall(b.Call, func(call *Call) { call.Provider, call.Refused = b.Private.ID, b.Refused })
	case *CallDropped:
		s.onCall(b.Call, func(call *Call) { call.Dropped = true })
	case *RecordingStarted:
		s.recorded = true
	case *SessionEnded:
		s.Ended = b
		if s.EndedAt == nil {
			s.EndedAt = &e.Time
		}
	default:
		s.evolveSaving(e)
	}
}

// onCall changes what is known of a call that had a token.
func (s *Session) onCall(n int, change func(*Call)) {
	if call := s.Calls[n]; call != nil {
		change(call)
	}
}

// evolveSaving is the half of a session's life after the talking.
func (s *Session) evolveSaving(e Event) {
	switch b := e.Body.(type) {
	case *UploadRequested:
		s.Upload, s.UploadAt, s.Completed, s.Rejected = b, e.Time, nil, nil
	case *UploadCompleted:
		s.Completed = b
	case *AudioFinalized:
		s.Audio = b
	case *AudioMeasured:
		s.Measured = b
	case *AudioRejected:
		s.Rejected = b
	case *SessionDeleteRequested:
		s.Deleted = b
	case *SessionErased:
		s.Erased = b
	}
}

// Abridge lets go of the turns when they have more items and responses than that, and
// of the positions: a talk of an hour has thousands of events. Receive needs turns only
// to pass over what is told twice, which comes close together; told again later it is
// kept again, and changes no segment. An abridged session is good for reports and
// tokens, and for nothing that reads turns or erases.
func (s *Session) Abridge(most int) {
	s.Positions = nil
	if len(s.Turns.Items)+len(s.Turns.Responses) <= most {
		return
	}
	calls := s.Turns.Calls
	s.Turns, s.held = NewTranscript(), Numbers{}
	s.Turns.Calls = calls
}

// Exists tells whether the session was ever started.
func (s *Session) Exists() bool { return s.events > 0 }

// Start opens the session. Starting again with the same learner and topic
// drafts nothing. Errors: CodeConflict when the id belongs to another session.
func (s *Session) Start(b *SessionStarted) ([]Event, error) {
	switch {
	case !s.Exists():
		return Draft(b), nil
	case s.Deleted == nil && s.Learner == b.Learner && s.Topic == b.Topic:
		return nil, nil
	}
	return nil, Errorf(CodeConflict, "this session id is taken; choose a new ULID")
}

// Open refuses what nobody may do to a session that is not hers or is gone.
// Errors: CodeNotFound (never started, or another's), CodeErased.
func (s *Session) Open(by AccountID) error {
	switch {
	case !s.Exists(), s.Learner != by && s.Learner != "":
		return Errorf(CodeNotFound, "there is no such session")
	}
	return s.deleted()
}

// deleted refuses what comes too late, whoever decides. Errors: CodeErased.
func (s *Session) deleted() error {
	if s.Deleted != nil || s.Erased != nil {
		return Errorf(CodeErased, "this session was deleted")
	}
	return nil
}

// NextCall is the number that the next token is for.
func (s *Session) NextCall() int {
	last := 0
	for n := range s.Calls {
		last = max(last, n)
	}
	return last + 1
}

// Talking refuses a new call of a session that has ended. Errors: CodeEnded.
func (s *Session) Talking() error {
	if s.Ended != nil {
		return Errorf(CodeEnded, "this session has ended; start a new one to go on talking")
	}
	return nil
}

// End ends the talking. Ending again drafts nothing, unless a later visit
// knows of a longer outbox or that no recording will come.
// Errors: CodeInvalid, CodeErased.
func (s *Session) End(b *SessionEnded) ([]Event, error) {
	if err := s.deleted(); err != nil {
		return nil, err
	}
	if b.LastN < 0 {
		return nil, Errorf(CodeInvalid, "last_n must not be negative")
	}
	if s.Ended != nil && b.LastN <= s.Ended.LastN && (b.RecordingExpected || !s.Ended.RecordingExpected) {
		return nil, nil
	}
	if s.Ended != nil {
		again := *s.Ended
		again.LastN = max(again.LastN, b.LastN)
		again.RecordingExpected = again.RecordingExpected && b.RecordingExpected
		b = &again
	}
	return Draft(b), nil
}

// RequestDelete closes the session for every reader; doing it again drafts nothing.
func (s *Session) RequestDelete(by AccountID) ([]Event, error) {
	if s.Deleted != nil || s.Erased != nil {
		return nil, nil
	}
	return Draft(&SessionDeleteRequested{By: by}), nil
}

// Erase writes the tombstone once key and objects are gone; swept completes
// it. Repeating either drafts nothing.
func (s *Session) Erase(b *SessionErased) ([]Event, error) {
	if s.Deleted == nil && s.Erased == nil {
		return nil, Errorf(CodeConflict, "nobody asked to delete this session")
	}
	if s.Erased != nil && (b.SweptAt == nil || s.Erased.SweptAt != nil) {
		return nil, nil
	}
	return Draft(b), nil
}

// ToSweep is what an erasure removes from the log: every event before the
// first tombstone. Once the tombstone names them they are taken from there,
// since swept events cannot be listed again.
func (s *Session) ToSweep() Numbers {
	if s.Erased != nil {
		return s.Erased.Positions
	}
	var all Numbers
	for _, p := range slices.Sorted(slices.Values(s.Positions)) {
		all = all.With(Range{int64(p), int64(p)})
	}
	return all
}
