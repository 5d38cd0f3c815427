package jetstream

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"parley/events"
)

// TokenHash is the SHA-256 of a cookie's secret: who reads the stream can't
// sign in.
type TokenHash = [sha256.Size]byte

// SignIns keeps who is signed in where, each on a subject of its own that the
// server drops when its time is over. It survives the loss of PostgreSQL.
type SignIns struct {
	publisher *publisher
	leader    leader
	vault     *Vault
	now       func() time.Time
	watches   watches
}

// usedEvery is how exactly the last use is known: writing each one down would
// cost a sync, and would be a diary.
const usedEvery = time.Hour

// signIn is the content of a sign-in's message; account and browser are in its
// subject.
type signIn struct {
	Secret  string        `json:"secret"` // hash
	BegunAt time.Time     `json:"begun_at"`
	UsedAt  time.Time     `json:"used_at"`
	EndsAt  time.Time     `json:"ends_at"`
	Idle    time.Duration `json:"idle"`
	Name    []byte        `json:"name,omitempty"` // sealed under the account's data key
}

func signInSubject(account events.AccountID, browser events.BrowserID) (string, error) {
	if !isToken(string(account)) || !isToken(string(browser)) {
		return "", events.Errorf(events.CodeInvalid, "a sign-in needs an account and a browser")
	}
	return signInPrefix + string(account) + "." + string(browser), nil
}

// Put signs an account in: until EndsAt, and not longer than idle after its last
// use. Browser is new, so it is never there already. UsedAt is set here.
// Errors: CodeInvalid for a time under a second, CodeConflict when the browser is
// in use, CodeErased for an account that was, CodeUnavailable.
func (s *SignIns) Put(ctx context.Context, secret TokenHash, in events.SignIn, idle time.Duration) error {
	subject, err := signInSubject(in.Account, in.Browser)
	if err != nil {
		return err
	}
	name, err := s.vault.Seal(ctx, in.Account.Aggregate(), browserOf(in.Browser), events.EventID(in.Browser), signInName, []byte(in.Name))
	if err != nil {
		return err
	}
	kept := signIn{
		Secret: hex.EncodeToString(secret[:]), BegunAt: in.BegunAt.UTC().Truncate(time.Millisecond),
		EndsAt: in.EndsAt.UTC().Truncate(time.Millisecond), Idle: idle, Name: name,
	}
	refused, err := s.write(ctx, subject, kept, 0)
	if err != nil || !refused {
		return err
	}
	return s.sameAs(ctx, subject, kept)
}

// signInName says what a sealed name is, so that it opens as nothing else.
const signInName events.Kind = "browser_name"

func browserOf(id events.BrowserID) events.Aggregate {
	return events.Aggregate{Kind: "browser", ID: string(id)}
}

// write stores a sign-in as used now, in place of the message at a position;
// refused when another is there.
func (s *SignIns) write(ctx context.Context, subject string, in signIn, over uint64) (refused bool, err error) {
	in.UsedAt = s.now().UTC().Truncate(time.Millisecond)
	ttl := min(in.Idle, in.EndsAt.Sub(in.UsedAt)).Truncate(time.Second)
	if ttl < time.Second {
		return false, events.Errorf(events.CodeInvalid, "a sign-in lasts at least a second")
	}
	data, err := json.Marshal(in)
	if err != nil {
		return false, events.Wrap(err, events.CodeInternal, "a sign-in cannot be written")
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{jetstream.MsgTTLHeader: {ttl.String()}}}
	guard(m, signInStream, over)
	_, refused, err = s.publisher.settle(ctx, []*nats.Msg{m})
	if err != nil {
		return false, unavailable(err, "the sign-in could not be stored")
	}
	return refused, nil
}

// sameAs takes a refused sign-in for stored when it is the one that is there:
// its first answer was lost.
func (s *SignIns) sameAs(ctx context.Context, subject string, kept signIn) error {
	m, err := s.leader.last(ctx, subject)
	if err != nil {
		return err
	}
	if m != nil {
		if there, err := signInOf(m); err == nil && there.Secret == kept.Secret {
			return nil
		}
	}
	return events.Errorf(events.CodeConflict, "this sign-in is another's")
}

// Use tells whether a cookie's secret signs its browser in, and notes that it
// was used. Name stays sealed.
// Errors: CodeUnauthenticated when it is unknown, wrong, over or revoked;
// CodeUnavailable.
func (s *SignIns) Use(ctx context.Context, account events.AccountID, browser events.BrowserID, secret TokenHash) (events.SignIn, error) {
	none := events.Errorf(events.CodeUnauthenticated, "please sign in")
	subject, err := signInSubject(account, browser)
	if err != nil {
		return events.SignIn{}, none
	}
	m, err := s.leader.last(ctx, subject)
	if err != nil {
		return events.SignIn{}, err
	}
	if m == nil {
		return events.SignIn{}, none
	}
	found, err := signInOf(m)
	want, badHash := hex.DecodeString(found.Secret)
	if err != nil || badHash != nil || subtle.ConstantTimeCompare(want, secret[:]) != 1 || !s.now().Before(found.EndsAt) {
		return events.SignIn{}, none
	}
	if s.now().Sub(found.UsedAt) >= usedEvery {
		// Refused: it was revoked, or noted by another request, just now.
		if _, err := s.write(ctx, subject, found, m.seq); err != nil && events.CodeOf(err) != events.CodeInvalid {
			return events.SignIn{}, err
		}
	}
	return found.plain(account, browser), nil
}

// Of lists an account's sign-ins, oldest first. Errors: CodeUnavailable.
func (s *SignIns) Of(ctx context.Context, account events.AccountID) ([]events.SignIn, error) {
	var all []events.SignIn
	err := s.each(ctx, account, func(browser events.BrowserID, m *stored) error {
		found, err := signInOf(m)
		if err != nil {
			return nil // nobody can use it
		}
		in := found.plain(account, browser)
		name, err := s.vault.Open(ctx, account.Aggregate(), browserOf(browser), events.EventID(browser), signInName, found.Name)
		if err != nil {
			return err
		}
		in.Name = string(name)
		all = append(all, in)
		return nil
	})
	return all, err
}

// Revoke ends a sign-in; one that is not there is fine. One that is used meanwhile is
// written anew, so it looks until nothing is left. Errors: CodeUnavailable.
func (s *SignIns) Revoke(ctx context.Context, account events.AccountID, browser events.BrowserID) error {
	subject, err := signInSubject(account, browser)
	if err != nil {
		return nil // nobody has it
	}
	for {
		m, err := s.leader.last(ctx, subject)
		if err != nil || m == nil {
			return err
		}
		if err := s.end(ctx, account, browser, m.seq); err != nil {
			return err
		}
	}
}

// RevokeAll ends every sign-in of an account.
// Errors: CodeUnavailable; then it may be repeated.
func (s *SignIns) RevokeAll(ctx context.Context, account events.AccountID) error {
	return s.RevokeOthers(ctx, account, "")
}

// RevokeOthers ends every sign-in of an account but one.
// Errors: CodeUnavailable; then it may be repeated.
func (s *SignIns) RevokeOthers(ctx context.Context, account events.AccountID, keep events.BrowserID) error {
	return s.each(ctx, account, func(browser events.BrowserID, m *stored) error {
		if browser == keep {
			return nil
		}
		return s.end(ctx, account, browser, m.seq)
	})
}

// each walks over an account's sign-ins. One that is used meanwhile is written
// anew behind the others, so it is met again there.
func (s *SignIns) each(ctx context.Context, account events.AccountID, do func(events.BrowserID, *stored) error) error {
	if !isToken(string(account)) {
		return nil // nobody's
	}
	prefix := signInPrefix + string(account) + "."
	for from := uint64(1); ; {
		m, err := s.leader.next(ctx, prefix+"*", from)
		if err != nil || m == nil {
			return err
		}
		if err := do(events.BrowserID(m.subject[len(prefix):]), m); err != nil {
			return err
		}
		from = m.seq + 1
	}
}

func signInOf(m *stored) (found signIn, err error) {
	err = json.Unmarshal(m.data, &found)
	return found, err
}

func (in signIn) plain(account events.AccountID, browser events.BrowserID) events.SignIn {
	return events.SignIn{Account: account, Browser: browser, BegunAt: in.BegunAt, UsedAt: in.UsedAt, EndsAt: in.EndsAt}
}
