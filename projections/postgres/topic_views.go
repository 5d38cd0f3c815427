package postgres

import (
	"context"

	"parley/events"
	"parley/projections"
)

// Topics lists what an account may practise: the catalogue, and what it wrote
// itself, without the retired ones; in the order of their ids.
func (v *Views) Topics(ctx context.Context, account events.AccountID) ([]projections.TopicView, error) {
	rows, err := ask(ctx, v, topics, "where (owner = '' or owner = $1) and not retired order by id", account)
	if err != nil {
		return nil, err
	}
	list := make([]projections.TopicView, 0, len(rows))
	for _, r := range rows {
		topic, err := v.openTopic(ctx, r)
		if err != nil {
			return nil, err
		}
		list = append(list, topic)
	}
	return list, nil
}

// Topic gives one topic that the account may practise, retired or not.
// Errors: CodeNotFound.
func (v *Views) Topic(ctx context.Context, account events.AccountID, id events.TopicID) (projections.TopicView, error) {
	row, err := askOne(ctx, v, topics, "topic", "where id = $1 and (owner = '' or owner = $2)", id, account)
	if err != nil {
		return projections.TopicView{}, err
	}
	return v.openTopic(ctx, row)
}

// openTopic opens a learner's own; one whose key was destroyed has no text.
func (v *Views) openTopic(ctx context.Context, r topicRow) (projections.TopicView, error) {
	view := projections.TopicView{ID: r.ID, Language: r.Language, Level: r.Level, Own: r.Owner != "", Retired: r.Retired}
	if r.Public != nil {
		view.Text = *r.Public
		return view, nil
	}
	var b events.TopicAdded // a revision is sealed in the same form
	err := openInto(ctx, v.vault, r.Owner.Aggregate(), r.ID.Aggregate(), r.Private, &b)
	if err != nil && events.CodeOf(err) != events.CodeErased {
		return view, err
	}
	view.Text = b.Private
	return view, nil
}

// topicsOf gives the topic of each session: as the learner's session sealed it
// when it was her own, else as the catalogue says now.
func (v *Views) topicsOf(ctx context.Context, rows []sessionRow) (map[events.SessionID]projections.TopicView, error) {
	ids := make([]events.TopicID, len(rows))
	for i, r := range rows {
		ids[i] = r.Topic
	}
	found, err := ask(ctx, v, topics, "where id = any($1) and owner = ''", ids)
	if err != nil {
		return nil, err
	}
	catalogue := map[events.TopicID]topicRow{}
	for _, r := range found {
		catalogue[r.ID] = r
	}
	of := map[events.SessionID]projections.TopicView{}
	for _, r := range rows {
		if of[r.ID], err = v.topicOf(ctx, r, catalogue[r.Topic]); err != nil {
			return nil, err
		}
	}
	return of, nil
}

func (v *Views) topicOf(ctx context.Context, r sessionRow, known topicRow) (projections.TopicView, error) {
	view := projections.TopicView{ID: r.Topic, Language: r.Language, Level: r.Level}
	if known.Public != nil {
		view.Text, view.Retired = *known.Public, known.Retired
		return view, nil
	}
	view.Own = r.OwnTopic.Bytes != nil
	var b events.SessionStarted
	err := openInto(ctx, v.vault, r.ID.Aggregate(), r.ID.Aggregate(), r.OwnTopic, &b)
	if err != nil && events.CodeOf(err) != events.CodeErased {
		return view, err
	}
	view.Text = b.OwnTopic
	return view, nil
}
