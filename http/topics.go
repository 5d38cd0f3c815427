package http

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

type topicsOutput struct {
	Body struct {
		Topics []Topic `json:"topics" nullable:"false"`
	}
}

type newTopic struct {
	Body struct {
		Title    string   `json:"title"`
		Language string   `json:"language"`
		Level    string   `json:"level"`
		Scenario string   `json:"scenario,omitempty"`
		Goals    []string `json:"goals,omitempty" nullable:"false"`
		Phrases  []string `json:"phrases,omitempty" nullable:"false"`
	}
}

type topicOutput struct{ Body Topic }

func (s *Server) topicRoutes() {
	private(s, huma.Operation{OperationID: "topics", Method: http.MethodGet, Path: "/api/topics",
		Summary: "What can be practised"}, s.topics)
	restricted(s, toLearner, huma.Operation{OperationID: "add-topic", Method: http.MethodPost, Path: "/api/topics",
		DefaultStatus: http.StatusCreated, Summary: "Add a topic of one's own"}, s.addTopic)
}

func (s *Server) topics(ctx context.Context, _ *struct{}) (*topicsOutput, error) {
	if err := s.fresh(ctx, ""); err != nil {
		return nil, err
	}
	views, err := s.doors.Views.Topics(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &topicsOutput{}
	out.Body.Topics = make([]Topic, 0, len(views))
	for _, v := range views {
		out.Body.Topics = append(out.Body.Topics, topicOf(v.ID, v.Language, v.Level, v.Own, v.Text))
	}
	return out, nil
}

func (s *Server) addTopic(ctx context.Context, in *newTopic) (*topicOutput, error) {
	id := events.TopicID(s.doors.NewID())
	text := events.TopicText{Title: in.Body.Title, Scenario: in.Body.Scenario, Goals: in.Body.Goals, Phrases: in.Body.Phrases}
	at, err := events.Execute(ctx, s.doors.Log, id.Aggregate(), &events.Topic{ID: id}, s.stamp(ctx), func(t *events.Topic) ([]events.Event, error) {
		return t.Add(in.Body.Language, in.Body.Level, caller(ctx), text)
	})
	if err != nil {
		return nil, err
	}
	s.writes.note(caller(ctx), at)
	return &topicOutput{topicOf(id, in.Body.Language, in.Body.Level, true, text)}, nil
}
