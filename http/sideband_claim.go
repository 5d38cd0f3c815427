package http

import (
	"context"

	"parley/events"
)

// callNames hashes the provider's ids of calls in one batch of reports, and
// remembers them for their claims: they are kept nowhere else in the clear.
type callNames struct {
	key   [32]byte
	names map[string]string // by hash
}

func (c callNames) hash(provider string) string {
	if provider == "" {
		return ""
	}
	hash := keyedHash(c.key, provider)
	c.names[hash] = provider
	return hash
}

// claimAll claims the calls that reports name. One that may not be claimed
// refuses its report: what came of it would be believed of another's call.
// Errors: those of the log, CodeNotFound for another's session.
func (s *Server) claimAll(ctx context.Context, id events.SessionID, names callNames, reports []events.Report) error {
	for i, r := range reports {
		for _, body := range r.Bodies {
			connected, is := body.(*events.CallConnected)
			if !is || connected.ProviderCall == "" {
				continue
			}
			err := s.claim(ctx, id, connected.Call, connected.ProviderCall, names.names[connected.ProviderCall])
			switch events.CodeOf(err) {
			case "", events.CodeUnknownCall: // the session itself will refuse it
			case events.CodeConflict:
				s.noteRefusal(ctx, id, connected.Call)
				reports[i].Rejected = events.CodeConflict
			default:
				return err
			}
		}
	}
	return nil
}

// claim takes a call at the provider for one of the session's, once over all
// sessions, and lets the server follow it. Errors: CodeConflict, CodeUnknownCall,
// CodeErased, those of the log.
func (s *Server) claim(ctx context.Context, id events.SessionID, call int, hash, provider string) error {
	session, _, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) {
		return nil, sn.MayClaim(call, provider)
	})
	if err != nil || session.Calls[call].Provider == provider {
		return err
	}
	_, err = events.Execute(ctx, s.doors.Log, events.CallAggregate(hash), &events.CallClaim{}, s.stamp(ctx), func(c *events.CallClaim) ([]events.Event, error) {
		return c.Claim(id, call)
	})
	if err != nil {
		return err
	}
	_, _, err = s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) { return sn.Follow(call, provider) })
	return err
}
