package events

// Outdated is a body of a version that nothing appends any more. Its bytes are in
// logs for ever; what they mean is said in today's words (design section 5). It
// stays in the table of kinds, with its golden bytes, under the name it had.
type Outdated interface {
	Body
	// Upcast says the same in the next version. Its sealed part may be missing:
	// the event may be erased, or read by somebody who may not open it.
	Upcast() Body
}

// Current takes a body through every version after its own. What the log gives
// out is current; only the log itself sees what is outdated, since a seal is
// about the version that was sealed.
func Current(b Body) Body {
	for {
		old, is := b.(Outdated)
		if !is {
			return b
		}
		b = old.Upcast()
	}
}
