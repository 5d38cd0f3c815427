package http

import (
	"context"

	"parley/events"
)

// stopTalks ends the caller's sessions that are talked in by browsers which are
// signed out: their pages can neither report nor end them any more. The server's
// own line to a call does so too, but not every provider has one.
func (s *Server) stopTalks(ctx context.Context, gone func(events.BrowserID) bool) {
	for _, id := range s.limits.talk.unended(caller(ctx), s.talks(ctx)) {
		session, _, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) {
			if last := sn.LastCall(); last == nil || last.Browser == "" || !gone(last.Browser) {
				return nil, nil
			}
			return sn.Stop(events.EndedBySignOut)
		})
		if err != nil {
			s.logger.WarnContext(ctx, "a session may go on although its browser is signed out", "session", id, "error", err)
			continue
		}
		if session.Ended != nil {
			s.limits.talk.end(caller(ctx), id)
		}
	}
}
