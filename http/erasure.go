package http

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
	"parley/projections"
)

// freshSignIn is how young a sign-in is that needs no password to erase an account or
// to add a way into it: accounts with a passkey or a provider's sign-in may have none.
const freshSignIn = 5 * time.Minute

// proofInput is a password that is given once more.
type proofInput struct {
	Body *struct {
		Password string `json:"password,omitempty" maxLength:"1000" doc:"Not needed within five minutes of signing in"`
	} `required:"false"`
}

func (in *proofInput) password() string {
	if in.Body == nil {
		return ""
	}
	return in.Body.Password
}

type eraseMeOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Receipt  string          `json:"receipt" doc:"The only key to the receipt, as nobody can sign in any more; keep it"`
		Position events.Position `json:"position"`
	}
}

type receiptInput struct {
	Body struct {
		Receipt string `json:"receipt" maxLength:"200"`
	}
}

type receiptOutput struct{ Body Receipt }

func (s *Server) erasureRoutes() {
	private(s, huma.Operation{OperationID: "erase-me", Method: http.MethodDelete, Path: "/api/me",
		DefaultStatus: http.StatusAccepted, Summary: "Erase everything of mine: unreadable at once, and nobody can sign in"}, s.eraseMe)
	byStrangers(s, huma.Operation{OperationID: "account-receipt", Method: http.MethodPost, Path: "/api/receipt",
		Summary: "What has become of an account's erasure, for whoever holds its receipt"}, s.accountReceipt)
	owned(s, huma.Operation{OperationID: "session-receipt", Method: http.MethodGet, Path: "/api/sessions/{id}/receipt",
		Summary: "What has become of a session's erasure"}, s.sessionReceipt)
}

// eraseMe closes the account for every reader; the eraser does the rest. The request
// is in the log before anybody is signed out, so that a crash between leaves no
// account open.
func (s *Server) eraseMe(ctx context.Context, in *proofInput) (*eraseMeOutput, error) {
	if err := s.provedAgain(ctx, in.password()); err != nil {
		return nil, err
	}
	who := caller(ctx)
	receipt, hash := NewReceipt(who)
	at, err := events.Execute(ctx, s.doors.Log, who.Aggregate(), events.NewAccount(who), s.stamp(ctx), func(a *events.Account) ([]events.Event, error) {
		return a.RequestDelete(hash)
	})
	if err != nil {
		return nil, err
	}
	if err := s.doors.SignIns.RevokeOthers(ctx, who, ""); err != nil {
		return nil, err
	}
	out := &eraseMeOutput{SetCookie: *s.keep(s.cookieName, "", 0)}
	out.Body.Receipt, out.Body.Position = receipt, at
	return out, nil
}

// provedAgain keeps somebody at an open browser from erasing its owner's account, and
// from making a way into it that outlives the owner's next password. Guessing the
// password is slowed down like a sign-in. Errors: CodeForbidden, CodeLimited.
func (s *Server) provedAgain(ctx context.Context, password string) error {
	if s.doors.Now().Sub(callerIn(ctx).BegunAt) < freshSignIn {
		return nil
	}
	if password == "" {
		return events.Errorf(events.CodeForbidden, "this needs your password, or that you signed in within five minutes")
	}
	trying, err := s.pace.begin(place{account: string(caller(ctx)), browser: string(callerIn(ctx).Browser)})
	if err != nil {
		return err
	}
	right, err := s.doors.Accounts.Knows(ctx, caller(ctx), password)
	switch {
	case err != nil:
		return err
	case !right:
		return events.Errorf(events.CodeForbidden, "the password is wrong")
	}
	trying.forgive()
	return nil
}

// Knows tells whether a password is an account's. Errors: CodeNotFound,
// CodeUnavailable.
func (a *Accounts) Knows(ctx context.Context, id events.AccountID, password string) (bool, error) {
	account, err := a.Find(ctx, id)
	if err != nil {
		return false, err
	}
	return a.passwords.Check(ctx, password, account.PasswordHash())
}

// NewReceipt makes the key to an account's receipt, "<account>.<secret>", and the
// secret's hash for its deletion.
func NewReceipt(of events.AccountID) (receipt, hash string) {
	raw := make([]byte, tokenBytes)
	rand.Read(raw)
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return string(of) + "." + secret, receiptHash(secret)
}

// ReceiptURL is where the page shows a receipt, handed over as in ResetURL.
func ReceiptURL(public *url.URL, receipt string) string {
	return public.Scheme + "://" + public.Host + "/#/receipt?key=" + receipt
}

func receiptHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Receipt says what has become of an erasure.
type Receipt struct {
	RequestedAt  *time.Time   `json:"requested_at" doc:"From here on nobody could read it through Parley"`
	UnreadableAt *time.Time   `json:"unreadable_at" doc:"When its keys were destroyed: whatever is left of it anywhere says nothing; null while that is under way"`
	SweptAt      *time.Time   `json:"swept_at" doc:"When its bytes were overwritten in the log; null while that is under way"`
	Removed      []Removal    `json:"removed" nullable:"false"`
	Left         []LeftBehind `json:"left" nullable:"false" doc:"Copies on the log's servers, of the log or of its keys, that could not be cleaned, and what they hold"`
}

// Removal is how many things of a kind were removed from a place.
type Removal struct {
	What  string `json:"what" enum:"keys,sessions,topics,claims,objects,events,copied_events"`
	From  string `json:"from" doc:"vault, log, store, or the name of a copy of the log"`
	Count int    `json:"count"`
}

// LeftBehind is a copy that could not be cleaned, with the reason.
type LeftBehind struct {
	Where   string `json:"where"`
	Because string `json:"because"`
}

// sessionReceipt is for the session's learner only, also when nothing of the session
// is left but its tombstone.
func (s *Server) sessionReceipt(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*receiptOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	key, err := s.doors.Keys.Keyed(ctx, events.OwnerKey)
	if err != nil {
		return nil, err
	}
	evs, err := s.doors.Log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	session, requestedAt := deletionOf(id, evs)
	mine := session.Learner == caller(ctx)
	if e := session.Erased; e != nil && e.Owner != "" {
		mine = subtle.ConstantTimeCompare([]byte(e.Owner), []byte(events.OwnerOf(key, id, caller(ctx)))) == 1
	}
	if !mine || session.Deleted == nil && session.Erased == nil {
		return nil, events.Errorf(events.CodeNotFound, "there is no receipt of such a session")
	}
	return &receiptOutput{receiptOfSession(requestedAt, session.Erased)}, nil
}

// openSession gives a session of the caller's from the read models, unless it was
// deleted. Errors: CodeNotFound, CodeUnavailable.
func (s *Server) openSession(ctx context.Context, id events.SessionID) (projections.SessionView, error) {
	view, err := s.doors.Views.Session(ctx, caller(ctx), id)
	if err != nil {
		return view, err
	}
	return view, s.notDeleted(ctx, id)
}

// notDeleted asks the log whether a session was asked to be deleted: the read models
// learn of what another instance wrote a little later, or, while no projector is at
// work, not at all. Errors: CodeNotFound, CodeUnavailable.
func (s *Server) notDeleted(ctx context.Context, id events.SessionID) error {
	deleted, err := s.doors.Browser.Deleted(ctx, id)
	if err == nil && deleted[id] {
		err = events.Errorf(events.CodeNotFound, "there is no such session")
	}
	return err
}

// deletionOf folds a session, with when its deletion was asked for.
func deletionOf(id events.SessionID, evs []events.Event) (*events.Session, *time.Time) {
	session := events.NewSession(id)
	var requestedAt *time.Time
	for _, e := range evs {
		session.Evolve(e)
		if _, asked := e.Body.(*events.SessionDeleteRequested); asked {
			requestedAt = &e.Time
		}
	}
	return session, requestedAt
}

func receiptOfSession(requestedAt *time.Time, e *events.SessionErased) Receipt {
	r := Receipt{RequestedAt: requestedAt, Removed: []Removal{}, Left: []LeftBehind{}}
	if e == nil {
		return r
	}
	if r.RequestedAt == nil {
		r.RequestedAt = e.RequestedAt
	}
	r.UnreadableAt = &e.UnreadableAt
	r.remove("keys", "vault", 1)
	r.remove("claims", "log", e.Claims)
	r.remove("objects", "store", e.Objects)
	r.swept(e.SweptAt, e.Events, e.Copies)
	return r
}

// accountReceipt answers alike for a receipt that never was and one that is wrong.
func (s *Server) accountReceipt(ctx context.Context, in *receiptInput) (*receiptOutput, error) {
	none := events.Errorf(events.CodeNotFound, "there is no such receipt")
	account, secret, _ := strings.Cut(in.Body.Receipt, ".")
	id, err := events.ParseID[events.AccountID](account)
	if err != nil || !couldBeSecret(secret) {
		return nil, none
	}
	evs, err := s.doors.Log.Load(ctx, id.Aggregate(), 0)
	if err != nil {
		return nil, err
	}
	a := &events.AccountErasure{}
	for _, e := range evs {
		a.Evolve(e)
	}
	var want string
	switch {
	case a.Erased != nil:
		want = a.Erased.Receipt
	case a.Requested != nil:
		want = a.Requested.Receipt
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(receiptHash(secret))) != 1 {
		return nil, none
	}
	return &receiptOutput{receiptOfAccount(a)}, nil
}

func receiptOfAccount(a *events.AccountErasure) Receipt {
	r := Receipt{Removed: []Removal{}, Left: []LeftBehind{}}
	if a.Requested != nil {
		r.RequestedAt = &a.RequestedAt
	}
	e := a.Erased
	if e == nil {
		return r
	}
	r.RequestedAt, r.UnreadableAt = e.RequestedAt, &e.UnreadableAt
	r.remove("keys", "vault", 1+e.Sessions)
	r.remove("sessions", "log", e.Sessions)
	r.remove("topics", "log", e.Topics)
	r.remove("claims", "log", e.Claims)
	r.remove("objects", "store", e.Objects)
	r.swept(e.SweptAt, e.Events, e.Copies)
	return r
}

// swept adds what was overwritten; before that nothing was.
func (r *Receipt) swept(at *time.Time, count int, copies []events.Copy) {
	if r.SweptAt = at; at == nil {
		return
	}
	r.remove("events", "log", count)
	for _, c := range copies {
		where := c.Stream + " (" + c.Kind + ")"
		r.remove("copied_events", where, c.Removed)
		if c.Left != "" {
			r.Left = append(r.Left, LeftBehind{where, c.Left})
		}
	}
}

func (r *Receipt) remove(what, from string, count int) {
	if count > 0 {
		r.Removed = append(r.Removed, Removal{what, from, count})
	}
}

// begunInTime looks, after a session was begun, whether its learner's account was
// closed meanwhile: then the session goes too. What was begun before the closing the
// eraser finds, so that nothing falls between. Errors: CodeUnauthenticated.
func (s *Server) begunInTime(ctx context.Context, id events.SessionID) error {
	gone := s.holds(ctx, caller(ctx), "")
	if events.CodeOf(gone) != events.CodeUnauthenticated {
		return gone
	}
	_, _, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) { return sn.RequestDelete(caller(ctx)) })
	return errors.Join(err, gone)
}
