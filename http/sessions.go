package http

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

type newSession struct {
	Body struct {
		TopicID string `json:"topic_id"`
		ID      string `json:"id,omitempty" doc:"A ULID of the page's choosing; repeating it gives the same session"`
	}
}

type sessionOutput struct{ Body Session }

type sessionInput struct {
	ID          string `path:"id"`
	MinPosition string `query:"min_position" doc:"Wait until the read models hold this position"`
}

type sessionsInput struct {
	Query       string `query:"q" maxLength:"200" doc:"Words that were said"`
	Cursor      string `query:"cursor" maxLength:"200"`
	MinPosition string `query:"min_position"`
}

type sessionsOutput struct {
	Body struct {
		Sessions []Summary `json:"sessions" nullable:"false"`
		Next     string    `json:"next,omitempty" doc:"Cursor of the next page"`
	}
}

type endInput struct {
	ID   string `path:"id"`
	Body struct {
		Reason            events.EndReason `json:"reason" enum:"learner,token_refresh_failed,time_limit,abandoned"`
		RecordingExpected bool             `json:"recording_expected"`
		LastN             int64            `json:"last_n" doc:"The last number of the browser's outbox; 0 when it is empty"`
	}
}

type positionOutput struct {
	Body struct {
		Position events.Position `json:"position"`
	}
}

func (s *Server) sessionRoutes() {
	restricted(s, toLearner, huma.Operation{OperationID: "start-session", Method: http.MethodPost, Path: "/api/sessions",
		DefaultStatus: http.StatusCreated, Summary: "Start a session"}, s.startSession)
	private(s, huma.Operation{OperationID: "sessions", Method: http.MethodGet, Path: "/api/sessions",
		Summary: "My sessions, newest first"}, s.sessions)
	owned(s, huma.Operation{OperationID: "session", Method: http.MethodGet, Path: "/api/sessions/{id}",
		Summary: "One session with its transcript"}, s.session)
	owned(s, huma.Operation{OperationID: "end-session", Method: http.MethodPost, Path: "/api/sessions/{id}/end",
		Summary: "End the talking"}, s.endSession)
	owned(s, huma.Operation{OperationID: "delete-session", Method: http.MethodDelete, Path: "/api/sessions/{id}",
		DefaultStatus: http.StatusAccepted, Summary: "Erase a session: unreadable at once"}, s.deleteSession)
}

// sessionPageSize is how many sessions one page of the list holds.
const sessionPageSize = 30

func (s *Server) startSession(ctx context.Context, in *newSession) (*sessionOutput, error) {
	topicID, err := events.ParseID[events.TopicID](in.Body.TopicID)
	if err != nil {
		return nil, err
	}
	id := events.SessionID(s.doors.NewID())
	if in.Body.ID != "" {
		if id, err = events.ParseID[events.SessionID](in.Body.ID); err != nil {
			return nil, err
		}
	}
	topic, err := s.topicFor(ctx, topicID)
	if err != nil {
		return nil, err
	}
	session := events.NewSession(id)
	at, err := events.Execute(ctx, s.doors.Log, id.Aggregate(), session, s.stamp(ctx), func(sn *events.Session) ([]events.Event, error) {
		return sn.Start(s.started(ctx, topic))
	})
	if err != nil {
		return nil, err
	}
	s.writes.note(caller(ctx), at)
	if err := s.begunInTime(ctx, id); err != nil {
		return nil, err
	}
	return s.read(ctx, id, at)
}

// topicFor is a topic that the caller may practise. Errors: CodeNotFound.
func (s *Server) topicFor(ctx context.Context, id events.TopicID) (*events.Topic, error) {
	topic, err := s.topic(ctx, id)
	if err != nil {
		return nil, err
	}
	if topic.Retired || topic.Owner != "" && topic.Owner != caller(ctx) {
		return nil, events.Errorf(events.CodeNotFound, "there is no such topic")
	}
	return topic, nil
}

func (s *Server) started(ctx context.Context, topic *events.Topic) *events.SessionStarted {
	b := &events.SessionStarted{
		Learner: caller(ctx), Topic: topic.ID, Language: topic.Language, Level: topic.Level,
		Provider: s.config.Provider, Model: s.config.Model, Voice: s.config.Voice, TranscriptionModel: s.config.TranscriptionModel,
	}
	if topic.Owner != "" {
		b.OwnTopic = topic.Text
	}
	return b
}

// read gives a session of the caller's as of a position.
func (s *Server) read(ctx context.Context, id events.SessionID, at events.Position) (*sessionOutput, error) {
	if err := s.fresh(ctx, at.String()); err != nil {
		return nil, err
	}
	view, err := s.openSession(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &sessionOutput{sessionOf(view)}
	out.Body.Usage = s.usageOf(Models{view.Model, view.TranscriptionModel}, view.Used)
	if view.Status == events.StatusActive {
		out.Body.Limits = s.talkLimits(ctx, id)
	}
	return out, nil
}

// talkLimits are those that hold for the caller's session now.
func (s *Server) talkLimits(ctx context.Context, session events.SessionID) *TalkLimits {
	limits := &TalkLimits{SessionMS: s.config.SessionMax.Milliseconds(), IdleMS: s.config.SessionIdle.Milliseconds()}
	if s.config.Allowances.Talk > 0 {
		left := s.limits.talk.left(caller(ctx), session, s.talks(ctx)).Milliseconds()
		limits.DayMS = &left
	}
	return limits
}

func (s *Server) session(ctx context.Context, in *sessionInput) (*sessionOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	var at events.Position
	if in.MinPosition != "" {
		if at, err = events.ParsePosition(in.MinPosition); err != nil {
			return nil, err
		}
	}
	return s.read(ctx, id, at)
}

func (s *Server) sessions(ctx context.Context, in *sessionsInput) (*sessionsOutput, error) {
	if err := s.fresh(ctx, in.MinPosition); err != nil {
		return nil, err
	}
	page, err := s.doors.Views.Sessions(ctx, caller(ctx), in.Query, in.Cursor, sessionPageSize)
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{}
	out.Body.Sessions, out.Body.Next = make([]Summary, 0, len(page.Sessions)), page.Next
	ids := make([]events.SessionID, len(page.Sessions))
	for i, summary := range page.Sessions {
		ids[i] = summary.ID
	}
	deleted, err := s.doors.Browser.Deleted(ctx, ids...) // as in notDeleted
	if err != nil {
		return nil, err
	}
	for _, summary := range page.Sessions {
		if deleted[summary.ID] {
			continue
		}
		out.Body.Sessions = append(out.Body.Sessions, summaryOf(summary))
	}
	return out, nil
}

func (s *Server) endSession(ctx context.Context, in *endInput) (*landedOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	session, at, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) {
		return sn.End(&events.SessionEnded{Reason: in.Body.Reason, RecordingExpected: in.Body.RecordingExpected, LastN: in.Body.LastN})
	})
	if err != nil {
		return nil, err
	}
	s.limits.talk.end(caller(ctx), id)
	return s.landed(session, at), nil
}

// deleteSession closes the session for every reader; the eraser does the rest.
func (s *Server) deleteSession(ctx context.Context, in *struct {
	ID string `path:"id"`
}) (*positionOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	_, at, err := s.onSession(ctx, id, func(sn *events.Session) ([]events.Event, error) { return sn.RequestDelete(caller(ctx)) })
	if err != nil {
		return nil, err
	}
	s.talking.forget(id)
	s.noteDeletion(ctx, id.Aggregate())
	s.limits.talk.end(caller(ctx), id)
	out := &positionOutput{}
	out.Body.Position = at
	return out, nil
}
