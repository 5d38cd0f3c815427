package postgres

import (
	"strconv"
	"strings"

	"parley/events"
	"parley/projections"
)

// committed is what a commit tells the watchers: how far readers see, and which
// sessions left the read models, since no row says that any more.
type committed struct {
	at   events.Position
	gone []projections.Change
	many bool // more left than a notification holds
}

// mostGone are named in one notification, which holds less than 8000 bytes.
const mostGone = 100

// goneOf is a session that left: nothing goes on in it any more.
func goneOf(session events.SessionID, learner events.AccountID, at events.Position) projections.Change {
	return projections.Change{Session: session, Learner: learner, Status: events.StatusEnded, Deleted: true, Position: at}
}

func commitOf(at events.Position, rows *projections.Rows) committed {
	c := committed{at: at}
	for id, row := range rows.Sessions {
		if row.Gone && row.Learner != "" {
			c.gone = append(c.gone, goneOf(id, row.Learner, at))
		}
	}
	if c.many = len(c.gone) > mostGone; c.many {
		c.gone = nil
	}
	return c
}

// String is the notification: "<position>[ many][ <session>/<learner>…]".
func (c committed) String() string {
	text := strconv.FormatUint(uint64(c.at), 10)
	if c.many {
		text += " many"
	}
	for _, one := range c.gone {
		text += " " + string(one.Session) + "/" + string(one.Learner)
	}
	return text
}

// readCommitted reads a notification.
func readCommitted(text string) (committed, error) {
	position, rest, _ := strings.Cut(text, " ")
	at, err := strconv.ParseUint(position, 10, 63)
	c := committed{at: events.Position(at)}
	for _, word := range strings.Fields(rest) {
		session, learner, named := strings.Cut(word, "/")
		if !named {
			c.many = true
			continue
		}
		c.gone = append(c.gone, goneOf(events.SessionID(session), events.AccountID(learner), c.at))
	}
	return c, err
}
