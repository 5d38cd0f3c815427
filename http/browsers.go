package http

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

// Browser is one place where the caller is signed in.
type Browser struct {
	ID      events.BrowserID `json:"id"`
	Name    string           `json:"name" doc:"Its family and system: Firefox on Linux. Empty when it did not say"`
	BegunAt time.Time        `json:"begun_at"`
	UsedAt  time.Time        `json:"used_at" doc:"To the hour or so"`
	EndsAt  time.Time        `json:"ends_at" doc:"When it must sign in again, however much it is used"`
	This    bool             `json:"this" doc:"The browser that asks"`
}

type browsersOutput struct {
	Body struct {
		Browsers []Browser `json:"browsers" nullable:"false"`
	}
}

type browserInput struct {
	Browser string `path:"browser" maxLength:"26"`
}

func (s *Server) browserRoutes() {
	private(s, huma.Operation{OperationID: "my-browsers", Method: http.MethodGet, Path: "/api/me/browsers", Summary: "Where I am signed in"}, s.myBrowsers)
	private(s, huma.Operation{OperationID: "end-browser", Method: http.MethodDelete, Path: "/api/me/browsers/{browser}", DefaultStatus: http.StatusNoContent, Summary: "Sign out one of my browsers"}, s.endBrowser)
	private(s, huma.Operation{OperationID: "end-other-browsers", Method: http.MethodDelete, Path: "/api/me/browsers", DefaultStatus: http.StatusNoContent, Summary: "Sign out all of my browsers but this one"}, s.endOtherBrowsers)
}

func (s *Server) myBrowsers(ctx context.Context, _ *struct{}) (*browsersOutput, error) {
	all, err := s.doors.SignIns.Of(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &browsersOutput{}
	out.Body.Browsers = make([]Browser, 0, len(all))
	for _, in := range all {
		out.Body.Browsers = append(out.Body.Browsers, Browser{in.Browser, in.Name, in.BegunAt, in.UsedAt, in.EndsAt, in.Browser == callerIn(ctx).Browser})
	}
	return out, nil
}

// endBrowser ends one of the caller's; another's, or one that is over, is no error
// and changes nothing.
func (s *Server) endBrowser(ctx context.Context, in *browserInput) (*struct{}, error) {
	browser := events.BrowserID(in.Browser)
	if err := s.doors.SignIns.Revoke(ctx, caller(ctx), browser); err != nil {
		return nil, err
	}
	s.stopTalks(ctx, func(of events.BrowserID) bool { return of == browser })
	return nil, nil
}

func (s *Server) endOtherBrowsers(ctx context.Context, _ *struct{}) (*struct{}, error) {
	mine := callerIn(ctx).Browser
	if err := s.doors.SignIns.RevokeOthers(ctx, caller(ctx), mine); err != nil {
		return nil, err
	}
	s.stopTalks(ctx, func(of events.BrowserID) bool { return of != mine })
	return nil, nil
}

// families are found in a browser's own words in this order: the later ones claim
// to be the earlier ones too.
var (
	families = []struct{ mark, name string }{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Chrom", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"}}
	systems  = []struct{ mark, name string }{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

// browserName is all that is kept of what a browser says of itself: enough for its
// owner to know it again, too little to tell two people apart.
func browserName(agent string) string {
	first := func(known []struct{ mark, name string }) string {
		for _, k := range known {
			if strings.Contains(agent, k.mark) {
				return k.name
			}
		}
		return ""
	}
	family, system := first(families), first(systems)
	if family == "" || system == "" {
		return family + system
	}
	return family + " on " + system
}
