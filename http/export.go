package http

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"parley/events"
	"parley/projections"
)

// ExportedAccount is what is kept of the caller's account, without what her
// sign-ins are checked against.
type ExportedAccount struct {
	ID       events.AccountID `json:"id"`
	Name     string           `json:"name"`
	Email    string           `json:"email"`
	Roles    []events.Role    `json:"roles"`
	SignIns  []ExportedSignIn `json:"sign_ins"` // the ways to sign in
	Browsers []Browser        `json:"browsers"` // where she is signed in
}

// ExportedSignIn is one way to sign in.
type ExportedSignIn struct {
	Method  string    `json:"method"`
	AddedAt time.Time `json:"added_at"`
	Name    string    `json:"name,omitempty"`    // of a passkey
	Issuer  string    `json:"issuer,omitempty"`  // of OpenID Connect
	Subject string    `json:"subject,omitempty"` // who she is to the issuer
}

// exportAgain is when to ask again while an export of the same account goes on.
const exportAgain = time.Minute

// exports are those under way: one for each account, since each one reads
// everything that is hers.
type exports struct {
	mu  sync.Mutex
	now map[events.AccountID]bool
}

// begin reserves the account's one export until done. Errors: CodeLimited.
func (e *exports) begin(of events.AccountID) (done func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now[of] {
		return nil, limited(events.CodeLimited, exportAgain, "an export of yours is under way; wait for its end")
	}
	if e.now == nil {
		e.now = map[events.AccountID]bool{}
	}
	e.now[of] = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.now, of)
	}, nil
}

func (s *Server) exportRoutes(r chi.Router) {
	s.raw(r, toSignedIn, http.MethodGet, "/api/me/export", "export",
		"Everything of mine in one zip, with a manifest", s.exported(s.exportMe))
	s.raw(r, toOwner, http.MethodGet, "/api/sessions/{id}/export", "export-session",
		"One session in one zip, with a manifest", s.exported(s.exportSession))
}

// prepared is an export that can begin: what may be refused is behind it.
type prepared struct {
	name    string // of the file, without ending
	session events.SessionID
	fill    func(*archive)
}

// exported streams what was prepared. From the first byte on nothing can be
// refused any more: what could not be had is named in the manifest, and an
// answer that cannot be finished is broken off, so that nobody takes it for whole.
func (s *Server) exported(prepare func(*http.Request) (prepared, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		done, err := s.exports.begin(caller(r.Context()))
		if err != nil {
			return err
		}
		defer done()
		if err := s.fresh(r.Context(), r.URL.Query().Get("min_position")); err != nil {
			return err
		}
		at := s.doors.Changes.Position()
		p, err := prepare(r)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="parley-%s.zip"`, p.name))
		if r.Method == http.MethodHead {
			return nil
		}
		s.noteExport(r.Context(), "export", p.session)
		a := newArchive(w, at, s.doors.Now())
		p.fill(a)
		if err := a.close(); err != nil {
			s.logger.InfoContext(r.Context(), "export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
}

func (s *Server) exportSession(r *http.Request) (prepared, error) {
	view, err := s.viewed(r)
	return prepared{string(view.ID), view.ID, func(a *archive) { s.putSession(r.Context(), a, "", view) }}, err
}

func (s *Server) exportMe(r *http.Request) (p prepared, err error) {
	ctx := r.Context()
	account, err := s.exportedAccount(ctx)
	if err != nil {
		return p, err
	}
	topics, err := s.doors.Views.Topics(ctx, caller(ctx))
	if err != nil {
		return p, err
	}
	first, err := s.doors.Views.Sessions(ctx, caller(ctx), "", "", sessionPageSize)
	return prepared{s.doors.Now().UTC().Format(time.DateOnly), "", func(a *archive) {
		a.putJSON("account.json", account)
		s.putTopics(a, topics)
		s.putSessions(ctx, a, first)
		a.put("audit.json", func(w io.Writer) error { return s.writeAudit(ctx, w, &a.manifest.Counts.AuditLines) })
	}}, err
}

func (s *Server) exportedAccount(ctx context.Context) (ExportedAccount, error) {
	who, err := s.doors.Accounts.Find(ctx, caller(ctx))
	if err != nil {
		return ExportedAccount{}, err
	}
	browsers, err := s.myBrowsers(ctx, nil)
	if err != nil {
		return ExportedAccount{}, err
	}
	person := who.Registered.Private
	out := ExportedAccount{
		ID: who.ID, Name: person.Name, Email: person.Email, Roles: rolesOf(who),
		SignIns: []ExportedSignIn{}, Browsers: browsers.Body.Browsers,
	}
	for _, held := range who.Credentials {
		way := ExportedSignIn{Method: held.Method, AddedAt: held.AddedAt.UTC(), Name: held.Private.Name}
		if id := held.Private.OpenID; id != nil {
			way.Issuer, way.Subject = id.Issuer, id.Subject
		}
		out.SignIns = append(out.SignIns, way)
	}
	return out, nil
}

func (s *Server) putTopics(a *archive, views []projections.TopicView) {
	own := []Topic{}
	for _, v := range views {
		if v.Own {
			own = append(own, topicOf(v.ID, v.Language, v.Level, true, v.Text))
		}
	}
	a.manifest.Counts.Topics = len(own)
	a.putJSON("topics.json", own)
}

// putSessions puts page after page; only one session is in memory at a time.
func (s *Server) putSessions(ctx context.Context, a *archive, page projections.SessionPage) {
	for {
		for _, summary := range page.Sessions {
			folder := "sessions/" + string(summary.ID) + "/"
			view, err := s.openSession(ctx, summary.ID)
			if err != nil {
				a.miss(folder, err)
				continue
			}
			s.putSession(ctx, a, folder, view)
		}
		if page.Next == "" || a.abandoned() {
			return
		}
		last := page.Sessions[len(page.Sessions)-1].ID
		var err error
		if page, err = s.doors.Views.Sessions(ctx, caller(ctx), "", page.Next, sessionPageSize); err != nil {
			a.miss("sessions/ from before "+string(last), err)
			return
		}
	}
}

// putSession puts the files of one session, each as its own route gives it.
func (s *Server) putSession(ctx context.Context, a *archive, folder string, view projections.SessionView) {
	a.manifest.Counts.Sessions++
	a.putJSON(folder+"transcript.json", sessionOf(view))
	a.put(folder+"transcript.vtt", func(w io.Writer) error { return writeVTT(w, view) })
	a.put(folder+"transcript.txt", func(w io.Writer) error { return writeText(w, view) })
	switch {
	case view.Audio != nil:
		s.putAudio(ctx, a, folder, view.Audio)
	case view.Status != events.StatusSaved:
		a.missing(folder+"audio", "there is no finished recording yet: the session is "+strings.ReplaceAll(string(view.Status), "_", " "))
	}
}

func (s *Server) putAudio(ctx context.Context, a *archive, folder string, audio *events.AudioFinalized) {
	name := folder + "audio" + path.Ext(audio.Object)
	object, err := s.doors.Store.Open(ctx, audio.Object)
	if err != nil {
		a.miss(name, err)
		return
	}
	defer object.Close()
	put := a.put(name, func(w io.Writer) error {
		_, err := io.Copy(w, object)
		return err
	})
	switch {
	case put == nil:
	case put.SHA256 != audio.SHA256:
		a.missing(name, "its bytes are not those that were finalized")
	default:
		a.manifest.Counts.Recordings++
	}
}

// writeAudit writes the caller's audit trail as one JSON array, page by page.
func (s *Server) writeAudit(ctx context.Context, w io.Writer, count *int) (err error) {
	if _, err := io.WriteString(w, "["); err != nil {
		return err
	}
	names := map[events.Actor]string{}
	for q := (projections.AuditQuery{Account: caller(ctx), Limit: auditPageSize}); ; {
		rows, err := s.doors.Views.Audit(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			line, err := s.myLine(ctx, row, names)
			if err != nil {
				return err
			}
			if err := writeElement(w, *count, line); err != nil {
				return err
			}
			*count++
		}
		if len(rows) < auditPageSize {
			break
		}
		q.Before = rows[len(rows)-1].Position
	}
	_, err = io.WriteString(w, "\n]\n")
	return err
}

// writeElement writes the n-th element of a JSON array, counted from 0.
func writeElement(w io.Writer, n int, element any) error {
	encoded, err := json.Marshal(element)
	if err != nil {
		return err
	}
	comma := ","
	if n == 0 {
		comma = ""
	}
	_, err = fmt.Fprintf(w, "%s\n%s", comma, encoded)
	return err
}
