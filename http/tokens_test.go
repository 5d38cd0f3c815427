package http

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"parley/events"
	"parley/http/realtime"
	"parley/projections"
)

// refusing is a provider that mints nothing.
type refusing struct{ because error }

func (r *refusing) Mint(context.Context, realtime.MintRequest) (realtime.Token, error) {
	return realtime.Token{}, r.because
}

// noTalks are read models that tell of no talk.
type noTalks struct{ Views }

func (noTalks) Talks(context.Context, events.AccountID, time.Time) ([]projections.Talk, error) {
	return nil, nil
}

func TestRefusedTokensSayWhatToDo(t *testing.T) {
	d := newDesk(t)
	provider := &refusing{}
	d.door.doors.Provider = provider
	learner := d.registered("ana@example.org", events.RoleLearner)
	v := d.visitor("203.0.113.9")
	v.signIn(http.StatusOK, "ana@example.org", herPassword)
	topic, id := events.TopicID(d.IDs.ULID()), events.SessionID(d.IDs.ULID())
	d.Append(t, topic.Aggregate(), &events.TopicAdded{Language: "en", Level: "B1", Public: &events.TopicText{Title: "At the market"}})
	d.Append(t, id.Aggregate(), &events.SessionStarted{Learner: learner, Topic: topic}, &events.TokenIssued{Call: 1})
	for class, want := range map[realtime.Class]events.Code{
		realtime.ClassQuota:     "provider_quota",
		realtime.ClassKey:       "provider_key",
		realtime.ClassModelGone: "provider_model_gone",
		realtime.ClassRate:      "provider_rate",
		realtime.ClassNetwork:   "provider_network",
		realtime.ClassUnknown:   "provider_unavailable",
	} {
		t.Run(string(class), func(t *testing.T) {
			provider.because = &realtime.Error{Op: "mint", Class: class, Message: "for the operator", Retryable: class == realtime.ClassRate}
			a := v.want(http.StatusBadGateway, http.MethodPost, "/api/sessions/"+string(id)+"/token", nil)
			if a.body["code"] != string(want) || a.body["detail"] == "for the operator" {
				t.Errorf("%v", a.body)
			}
			all := d.Load(t, id.Aggregate())
			noted, is := all[len(all)-1].Body.(*events.TokenRefreshFailed)
			if !is || noted.Class != string(class) || noted.Retryable != (class == realtime.ClassRate) {
				t.Errorf("noted %+v", all[len(all)-1].Body)
			}
		})
	}
	t.Run("a fault of another kind is the provider's too", func(t *testing.T) {
		provider.because = errors.New("strange")
		if a := v.want(http.StatusBadGateway, http.MethodPost, "/api/sessions/"+string(id)+"/token", nil); a.body["code"] != "provider_unavailable" {
			t.Errorf("%v", a.body)
		}
	})
}
