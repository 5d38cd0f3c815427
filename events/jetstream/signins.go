package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// TokenHash is the SHA-256 of a cookie's token: who reads the log can't sign in.
type TokenHash = [sha256.Size]byte

// SignIns keeps who is signed in, each on a subject of its own that the server
// drops when its time is over. It survives the loss of PostgreSQL.
type SignIns struct {
	publisher *publisher
	leader    leader
	now       func() time.Time
}

// signIn is the content of a sign-in's message.
type signIn struct {
	Account   events.AccountID `json:"account"`
	CreatedAt time.Time        `json:"created_at"`
}

func signInSubject(h TokenHash) string { return signInPrefix + hex.EncodeToString(h[:]) }

// Put signs an account in for a time (whole seconds, at least one). A token is
// random, so it is never there already.
// Errors: CodeInvalid, CodeConflict when the token is in use, CodeUnavailable.
func (s *SignIns) Put(ctx context.Context, token TokenHash, account events.AccountID, ttl time.Duration) error {
	if account == "" || ttl < time.Second {
		return events.Errorf(events.CodeInvalid, "a sign-in needs an account and at least a second")
	}
	data, err := json.Marshal(signIn{account, s.now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return events.Wrap(err, events.CodeInternal, "a sign-in cannot be written")
	}
	m := &nats.Msg{Subject: signInSubject(token), Data: data, Header: nats.Header{
		jetstream.MsgTTLHeader: {ttl.Truncate(time.Second).String()},
	}}
	guard(m, signInStream, 0)
	_, refused, err := s.publisher.settle(ctx, []*nats.Msg{m})
	if err != nil {
		return unavailable(err, "the sign-in could not be stored")
	}
	if !refused {
		return nil
	}
	return s.sameAs(ctx, token, account)
}

// sameAs takes a refused sign-in for stored when it is the one that is there:
// its first answer was lost.
func (s *SignIns) sameAs(ctx context.Context, token TokenHash, account events.AccountID) error {
	there, err := s.Get(ctx, token)
	if err != nil || there == account {
		return err
	}
	return events.Errorf(events.CodeConflict, "this sign-in is another's")
}

// Get tells whose a token is. Errors: CodeUnauthenticated when it is unknown,
// over or revoked; CodeUnavailable.
func (s *SignIns) Get(ctx context.Context, token TokenHash) (events.AccountID, error) {
	m, err := s.leader.last(ctx, signInSubject(token))
	if err != nil {
		return "", err
	}
	if m == nil {
		return "", events.Errorf(events.CodeUnauthenticated, "please sign in")
	}
	var found signIn
	if err := json.Unmarshal(m.data, &found); err != nil || found.Account == "" {
		return "", events.Wrap(err, events.CodeUnauthenticated, "please sign in again")
	}
	return found.Account, nil
}

// Revoke ends a sign-in; one that is not there is fine. Errors: CodeUnavailable.
func (s *SignIns) Revoke(ctx context.Context, token TokenHash) error {
	m, err := s.leader.last(ctx, signInSubject(token))
	if err != nil || m == nil {
		return err
	}
	return s.leader.erase(ctx, m.seq)
}

// RevokeAll ends every sign-in of an account. It reads them all: a rare act.
// Errors: CodeUnavailable; then it may be repeated.
func (s *SignIns) RevokeAll(ctx context.Context, account events.AccountID) error {
	for from := uint64(1); ; {
		m, err := s.leader.next(ctx, signInPrefix+"*", from)
		if err != nil || m == nil {
			return err
		}
		var found signIn
		if json.Unmarshal(m.data, &found) == nil && found.Account == account {
			if err := s.leader.erase(ctx, m.seq); err != nil {
				return err
			}
		}
		from = m.seq + 1
	}
}
