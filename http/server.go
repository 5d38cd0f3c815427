package http

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"parley/events"
	"parley/http/realtime"
)

// Config is what an operator decides about the web door.
type Config struct {
	PublicURL      *url.URL // how browsers reach this server; its scheme decides on Secure cookies
	Provider       string   // name of the speech provider, as stored with each session
	ProviderOrigin string   // origin that browsers post their offer to; empty when it is ours
	CallsURL       string   // where a browser opens a call
	Partner        bool     // the provider is the built-in partner
	Model          string
	Voice          string
	// TranscriptionModel is noted with each session, like Model.
	TranscriptionModel string
	ShowCost           bool // to learners
	// Retiring are the announcements about the models in use.
	Retiring    []realtime.Retirement
	StoreOrigin string // origin of signed uploads; empty when browsers can't reach the store
	OpenID      OpenID
	UploadMax   int64    // bytes of one recording
	UploadTypes []string // media types that a recording may have
	SessionMax  time.Duration
	SessionIdle time.Duration // how long nobody may speak in a session
	Proxies     Proxies
	Allowances  Allowances // of each account
	Version     string
}

// Doors are the rooms behind this one.
type Doors struct {
	Log      events.LoadAppender
	Accounts *Accounts
	Audit    *Auditor
	Browser  events.Browser
	Keys     Keyring
	SignIns  SignIns
	Views    Views
	Changes  Changes
	Provider Provider
	// Tally counts what the provider says and nobody knows here; nil: one of
	// the server's own.
	Tally *realtime.Tally
	Store Store
	Page  fs.FS
	// Operations is what operators see and do.
	Operations Operations
	Partner    http.Handler // mounted under /partner when the provider is built in; else nil
	// Ready names what keeps the program from serving; empty when all is well.
	Ready func(context.Context) map[string]string
	Now   func() time.Time
	NewID func() string // a ULID
}

// Server is the web door.
type Server struct {
	config     Config
	doors      Doors
	logger     *slog.Logger
	cookieName string
	setup      setup
	pace       *pace
	passkeys   passkeys
	openID     *openID
	writes     writes
	talking    *talking
	standing   *standing
	exports    exports
	limits     limits
	metrics    *metrics
	router     chi.Router
	declared   map[string]access // by method and path
	api        huma.API
	closing    chan struct{}
	close      sync.Once
}

// New wires the server. setupCode opens the first account; empty when there
// is one.
func New(config Config, doors Doors, logger *slog.Logger, setupCode string) *Server {
	if doors.Tally == nil {
		doors.Tally = &realtime.Tally{}
	}
	s := &Server{config: config, doors: doors, logger: logger, cookieName: cookieName(config.PublicURL), declared: map[string]access{}, closing: make(chan struct{})}
	s.setup.code = setupCode
	s.pace = newPace(doors.Now)
	ceremonies := newCeremonies(doors.Keys, doors.Now)
	s.passkeys = passkeys{relyingParty(config.PublicURL), ceremonies}
	s.openID = newOpenID(config.OpenID, config.PublicURL, ceremonies, doors.Now)
	s.writes.last = map[events.AccountID]events.Position{}
	s.talking = newTalking(doors.Now)
	s.standing = newStanding(doors.SignIns, doors.Now)
	s.limits = newLimits(config, doors)
	s.metrics = newMetrics(doors.Tally, doors.Now)
	s.measureAudit()
	s.metrics.registry.MustRegister(lagging{doors.Operations})
	s.router = s.routes()
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// Close ends the live streams, so that a graceful shutdown need not wait for
// their browsers. It may be called twice.
func (s *Server) Close() { s.close.Do(func() { close(s.closing) }) }

// OpenAPI is the contract, from the handlers' own types.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// HTTPServer is a net/http server with this one's limits; the caller listens.
func (s *Server) HTTPServer() *http.Server { return patient(s, s.logger) }

// PartnerServer serves the built-in partner alone, for the program itself: the
// door's certificate is for the browsers' name of it.
func (s *Server) PartnerServer() *http.Server {
	if s.doors.Partner == nil {
		return patient(http.NotFoundHandler(), s.logger)
	}
	return patient(http.StripPrefix("/partner", s.doors.Partner), s.logger)
}

func (s *Server) routes() chi.Router {
	installProblems()
	router := chi.NewRouter()
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, newProblem(http.StatusForbidden, "cross_origin", "this request comes from another site"))
	}))
	router.Use(s.recovered, s.addressed, s.canonicalHost, s.headers, s.metrics.count)
	if s.doors.Partner != nil {
		router.Mount("/partner", http.StripPrefix("/partner", s.doors.Partner))
	}
	s.violationRoutes(router)
	router.Group(func(r chi.Router) {
		r.Use(crossOrigin.Handler)
		s.api = humachi.New(r, s.apiConfig())
		s.accountRoutes()
		s.browserRoutes()
		s.credentialRoutes()
		s.openIDRoutes(r)
		s.invitationRoutes()
		s.roleRoutes()
		s.erasureRoutes()
		s.topicRoutes()
		s.sessionRoutes()
		s.callRoutes()
		s.uploadRoutes(r)
		s.readingRoutes(r)
		s.exportRoutes(r)
		s.auditRoutes()
		s.grantRoutes()
		s.analystRoutes()
		s.operatorRoutes()
		s.liveRoutes()
		s.healthRoutes(r)
	})
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead || isAPI(r.URL.Path) {
			writeProblem(w, newProblem(http.StatusNotFound, "not_found", "there is no such route"))
			return
		}
		s.page(w, r)
	})
	router.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "this route has other methods"))
	})
	return router
}

func isAPI(path string) bool { return len(path) >= 4 && path[:4] == "/api" }

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	pages(s.doors.Page, s.doors.Now()).ServeHTTP(w, r)
}

func (s *Server) apiConfig() huma.Config {
	config := huma.DefaultConfig("Parley", s.config.Version)
	config.DocsPath, config.SchemasPath = "", ""
	config.CreateHooks = nil // no $schema links in bodies
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"cookie": {Type: "apiKey", In: "cookie", Name: s.cookieName},
	}
	return config
}

// stamp says who decides, and when.
func (s *Server) stamp(ctx context.Context) events.Stamp {
	return events.Stamp{
		Actor: events.Actor(caller(ctx)), Time: s.doors.Now(), Correlation: s.doors.NewID(),
		NewID: func() events.EventID { return events.EventID(s.doors.NewID()) },
	}
}

// onSession executes a command on a session of the caller's, and remembers
// where it landed. Errors: CodeNotFound for another's, CodeErased.
func (s *Server) onSession(ctx context.Context, id events.SessionID, decide func(*events.Session) ([]events.Event, error)) (*events.Session, events.Position, error) {
	session := events.NewSession(id)
	at, err := events.Execute(ctx, s.doors.Log, id.Aggregate(), session, s.stamp(ctx), ofCaller(ctx, decide))
	if err == nil {
		s.writes.note(caller(ctx), at)
	}
	return session, at, err
}

// reportOn is onSession for what a browser reports, over and over: it goes on
// from the session as the last report left it.
func (s *Server) reportOn(ctx context.Context, id events.SessionID, decide func(*events.Session) ([]events.Event, error)) (events.Position, error) {
	session, at := s.talking.take(id)
	at, err := events.Continue(ctx, s.doors.Log, id.Aggregate(), session, at, s.stamp(ctx), ofCaller(ctx, decide))
	if err == nil {
		s.writes.note(caller(ctx), at)
		s.talking.put(session, at)
	}
	return at, err
}

// glance looks at a session of the caller's as the last report left it, and at the
// log only when it is not known here, or refused by what may have changed since.
// What comes of a look must stand or fall with an append. Errors: those of onSession.
func (s *Server) glance(ctx context.Context, id events.SessionID, look func(*events.Session) error) error {
	looking := ofCaller(ctx, func(sn *events.Session) ([]events.Event, error) { return nil, look(sn) })
	session, at := s.talking.take(id)
	_, refused := looking(session)
	if at == 0 || refused != nil {
		var err error
		if at, err = events.Continue(ctx, s.doors.Log, id.Aggregate(), session, at, s.stamp(ctx), looking); err != nil {
			return err
		}
	}
	s.talking.put(session, at)
	return nil
}

// ofCaller refuses a session that is not the caller's before anything is decided.
func ofCaller(ctx context.Context, decide func(*events.Session) ([]events.Event, error)) func(*events.Session) ([]events.Event, error) {
	return func(sn *events.Session) ([]events.Event, error) {
		if err := sn.Open(caller(ctx)); err != nil {
			return nil, err
		}
		return decide(sn)
	}
}

func writeJSON(w io.Writer, value any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(true)
	_ = encoder.Encode(value) // the reader is gone; there is nobody to tell
}
