package http

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"parley/events"
)

type conditionOutput struct{ Body Condition }

type lettersOutput struct{ Body DeadLetters }

type retryInput struct {
	Body struct {
		Aggregate string `json:"aggregate,omitempty" maxLength:"100" doc:"session/01J…; missing for all"`
		Reason    string `json:"reason" maxLength:"500"`
	}
}

type retryOutput struct {
	Body struct {
		Retried []Retried `json:"retried" nullable:"false"`
	}
}

type stuckInput struct {
	QuietSeconds int64 `query:"quiet_s" minimum:"0" maximum:"31536000" default:"900" doc:"Of which nothing was heard for so long"`
}

type stuckOutput struct {
	Body struct {
		Sessions []StuckSession `json:"sessions" nullable:"false"`
	}
}

type helpInput struct {
	ID   string `path:"id"`
	Body struct {
		Remedy string `json:"remedy" enum:"end,finalize,resume,without-recording"`
		Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why; the learner sees it. Not needed for a dry run"`
		DryRun bool   `json:"dry_run,omitempty" doc:"Only say what would be done"`
	}
}

type helpOutput struct{ Body Helped }

func (s *Server) operatorRoutes() {
	restricted(s, toOperator, huma.Operation{OperationID: "condition", Method: http.MethodGet, Path: "/api/ops/status",
		Summary: "How the instance stands: log, read models and their lag, dead letters, disk"}, s.condition)
	restricted(s, toOperator, huma.Operation{OperationID: "dead-letters", Method: http.MethodGet, Path: "/api/ops/dead-letters",
		Summary: "Events that could not be projected"}, s.deadLetters)
	restricted(s, toOperator, huma.Operation{OperationID: "retry-dead-letters", Method: http.MethodPost, Path: "/api/ops/dead-letters/retry",
		Summary: "Try them again, in order"}, s.retryDeadLetters)
	restricted(s, toOperator, huma.Operation{OperationID: "stuck", Method: http.MethodGet, Path: "/api/ops/sessions",
		Summary: "Sessions that are stuck, why, and what helps them"}, s.stuck)
	restricted(s, toOperator, huma.Operation{OperationID: "help-session", Method: http.MethodPost, Path: "/api/ops/sessions/{id}/recover",
		Summary: "Help a stuck session; the act is noted first"}, s.helpSession)
}

func (s *Server) condition(ctx context.Context, _ *struct{}) (*conditionOutput, error) {
	now, err := s.doors.Operations.Condition(ctx)
	now.Unknown = s.doors.Tally.Counts()
	for _, r := range s.config.Retiring {
		now.Retiring = append(now.Retiring, r.Says(s.doors.Now()))
	}
	return &conditionOutput{now}, err
}

func (s *Server) deadLetters(ctx context.Context, _ *struct{}) (*lettersOutput, error) {
	found, err := s.doors.Operations.DeadLetters(ctx)
	return &lettersOutput{found}, err
}

func (s *Server) retryDeadLetters(ctx context.Context, in *retryInput) (*retryOutput, error) {
	if err := s.acts(ctx, "", in.Body.Reason, "dead-letters retry", in.Body.Aggregate); err != nil {
		return nil, err
	}
	out := &retryOutput{}
	var err error
	out.Body.Retried, err = s.doors.Operations.Retry(ctx, in.Body.Aggregate)
	return out, err
}

func (s *Server) stuck(ctx context.Context, in *stuckInput) (*stuckOutput, error) {
	out := &stuckOutput{}
	var err error
	out.Body.Sessions, err = s.doors.Operations.Stuck(ctx, time.Duration(in.QuietSeconds)*time.Second)
	return out, err
}

func (s *Server) helpSession(ctx context.Context, in *helpInput) (*helpOutput, error) {
	id, err := events.ParseID[events.SessionID](in.ID)
	if err != nil {
		return nil, noSession(err)
	}
	plan, err := s.doors.Operations.Plan(ctx, id, in.Body.Remedy)
	if err != nil || in.Body.DryRun {
		return &helpOutput{plan}, err
	}
	if err := s.acts(ctx, plan.Learner, in.Body.Reason, "recover --"+in.Body.Remedy, id.Aggregate().String()); err != nil {
		return nil, err
	}
	done, err := s.doors.Operations.Help(ctx, id, in.Body.Remedy, events.Actor(caller(ctx)))
	return &helpOutput{done}, err
}

// WithoutReason stands where an operator gave none.
const WithoutReason = "no reason was given"

// acts notes what an operator is about to do; about is whose object it is.
func (s *Server) acts(ctx context.Context, about events.AccountID, reason, action, object string) error {
	_, err := s.kept(ctx, about, reason, &events.OperatorActed{Action: action, Object: object, Reason: reason, Address: prefixOf(ctx)})
	return err
}
