package events

import (
	"cmp"
	"slices"
)

// speaker of an item of which only speech was reported is the learner: the
// provider names an item early only for her. Who spoke in an item of the idle
// timeout, which is empty else, was she too.
func (it *ItemFacts) speaker() Speaker {
	switch {
	case it.Speaker == NoSpeaker && it.hasWords():
		return Learner
	case it.Speaker != "":
		return it.Speaker
	case it.Response != "":
		return Tutor
	}
	return Learner
}

// recreated tells whether an item is a turn of an earlier call that a client
// created again under its own id: nobody spoke it in this call, and no response
// made it. Its number of words guards a server that gives ids anew in each call.
func (t *Transcript) recreated(it *ItemFacts) bool {
	if it.Response != "" || it.Span.StartedCall.Known() || it.Span.EndedCall.Known() {
		return false
	}
	for call := 1; call < it.Call; call++ {
		if before := t.Items[ItemKey{call, it.Item}]; before != nil && (it.words() == 0 || it.words() == before.words()) {
			return true
		}
	}
	return false
}

// inOrder walks each call's chain, calls by number. An item whose predecessor
// is unknown waits behind the chain; among equals the one seen first leads.
// Items in a cycle have no beginning and come after those, and last what never
// entered the conversation; each by first appearance.
func (t *Transcript) inOrder() []*ItemFacts {
	items := make([]*ItemFacts, 0, len(t.Items))
	for _, it := range t.Items {
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b *ItemFacts) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Seen, b.Seen), cmp.Compare(a.Item, b.Item))
	})
	walk := walk{after: t.followers(items), seen: map[ItemKey]bool{}}
	var first, parked, chained, last []*ItemFacts
	for _, it := range items {
		switch {
		case it.unplaced() && len(walk.after[it.ItemKey]) == 0:
			last = append(last, it)
		case !it.Previous.Known():
			first = append(first, it)
		case t.Items[it.previous()] == nil:
			parked = append(parked, it)
		default:
			chained = append(chained, it)
		}
	}
	walk.calls(first, parked, chained, last)
	return walk.order
}

func (it *ItemFacts) previous() ItemKey { return ItemKey{it.Call, it.Previous.Value} }

// unplaced is true of an item that never entered the conversation: speech was
// reported, but it was neither committed nor added (Turn order, point 6), and no
// transcription followed.
func (it *ItemFacts) unplaced() bool {
	return it.Speaker == "" && it.Response == "" && len(it.Parts()) == 0
}

// followers are the items that name an item as their predecessor. Two do when one
// was put between others: the conversation goes on from the one that was pushed
// back. So one that nothing follows is read before one that is followed, and of
// equals the one that was put there last.
func (t *Transcript) followers(items []*ItemFacts) map[ItemKey][]*ItemFacts {
	after := map[ItemKey][]*ItemFacts{}
	for _, it := range items {
		if it.Previous.Known() && t.Items[it.previous()] != nil {
			after[it.previous()] = append(after[it.previous()], it)
		}
	}
	followed := func(it *ItemFacts) int { return min(len(after[it.ItemKey]), 1) }
	for _, siblings := range after {
		slices.SortStableFunc(siblings, func(a, b *ItemFacts) int {
			return cmp.Or(cmp.Compare(followed(a), followed(b)), cmp.Compare(b.Previous.Rank, a.Previous.Rank))
		})
	}
	return after
}

type walk struct {
	after map[ItemKey][]*ItemFacts
	seen  map[ItemKey]bool
	order []*ItemFacts
}

// calls visits each call whole, group by group.
func (w *walk) calls(groups ...[]*ItemFacts) {
	for _, group := range groups {
		for _, it := range group {
			w.from(it)
		}
	}
	slices.SortStableFunc(w.order, func(a, b *ItemFacts) int { return cmp.Compare(a.Call, b.Call) })
}

// from visits an item and all that follows it, without recursion: a chain may
// be as long as an hour of turns.
func (w *walk) from(root *ItemFacts) {
	stack := []*ItemFacts{root}
	for len(stack) > 0 {
		it := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if w.seen[it.ItemKey] {
			continue
		}
		w.seen[it.ItemKey] = true
		w.order = append(w.order, it)
		for _, next := range slices.Backward(w.after[it.ItemKey]) {
			stack = append(stack, next)
		}
	}
}
