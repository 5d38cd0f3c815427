package events

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Range is a closed interval of whole numbers, First ≤ Last.
type Range struct{ First, Last int64 }

// Numbers is a set of whole numbers kept as sorted, disjoint, non-adjacent
// ranges: the outbox numbers of a session that are in, or the positions that
// an erasure removed. Its zero value is the empty set; its text is "1-7,9".
type Numbers struct{ ranges []Range }

// NumbersOf makes a set of single numbers.
func NumbersOf(ns ...int64) Numbers {
	var set Numbers
	for _, n := range ns {
		set = set.With(Range{n, n})
	}
	return set
}

// Ranges gives the sorted ranges. The slice must not be changed.
func (s Numbers) Ranges() []Range { return s.ranges }

// Empty tells whether nothing is in the set.
func (s Numbers) Empty() bool { return len(s.ranges) == 0 }

// Count is how many numbers are in the set.
func (s Numbers) Count() int64 {
	var count int64
	for _, r := range s.ranges {
		count += r.Last - r.First + 1
	}
	return count
}

// Has tells whether n is in the set.
func (s Numbers) Has(n int64) bool {
	_, found := slices.BinarySearchFunc(s.ranges, n, func(r Range, n int64) int {
		switch {
		case r.Last < n:
			return -1
		case r.First > n:
			return 1
		}
		return 0
	})
	return found
}

// Holds tells whether all of a range is in the set.
func (s Numbers) Holds(r Range) bool {
	return slices.ContainsFunc(s.ranges, func(held Range) bool { return held.First <= r.First && r.Last <= held.Last })
}

// With is the union with one range.
func (s Numbers) With(r Range) Numbers {
	merged := make([]Range, 0, len(s.ranges)+1)
	placed := false
	for _, old := range s.ranges {
		switch {
		case old.Last < r.First-1:
			merged = append(merged, old)
		case old.First > r.Last+1:
			if !placed {
				merged, placed = append(merged, r), true
			}
			merged = append(merged, old)
		default:
			r = Range{min(r.First, old.First), max(r.Last, old.Last)}
		}
	}
	if !placed {
		merged = append(merged, r)
	}
	return Numbers{merged}
}

// Union is the set of what is in either.
func (s Numbers) Union(other Numbers) Numbers {
	for _, r := range other.ranges {
		s = s.With(r)
	}
	return s
}

// Without is the set of what is in this one only.
func (s Numbers) Without(other Numbers) Numbers {
	left := s.ranges
	for _, out := range other.ranges {
		var kept []Range
		for _, r := range left {
			if r.First < out.First {
				kept = append(kept, Range{r.First, min(r.Last, out.First-1)})
			}
			if r.Last > out.Last {
				kept = append(kept, Range{max(r.First, out.Last+1), r.Last})
			}
		}
		left = kept
	}
	return Numbers{left}
}

// Through is the largest n for which all of 1…n are in; 0 when 1 is missing.
func (s Numbers) Through() int64 {
	if len(s.ranges) == 0 || s.ranges[0].First > 1 {
		return 0
	}
	return s.ranges[0].Last
}

// Highest is the last number; 0 when there is none.
func (s Numbers) Highest() int64 {
	if s.Empty() {
		return 0
	}
	return s.ranges[len(s.ranges)-1].Last
}

// String is "1-7,9"; empty for the empty set.
func (s Numbers) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(r.First, 10))
		if r.Last > r.First {
			b.WriteByte('-')
			b.WriteString(strconv.FormatInt(r.Last, 10))
		}
	}
	return b.String()
}

// ParseNumbers reads String's form back. Errors: CodeInvalid.
func ParseNumbers(text string) (Numbers, error) {
	var set Numbers
	if text == "" {
		return set, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseInt(first, 10, 64)
		b, errB := strconv.ParseInt(last, 10, 64)
		if errA != nil || errB != nil || a < 0 || b < a {
			return Numbers{}, Errorf(CodeInvalid, "%q is not a list of ranges", clip(text))
		}
		set = set.With(Range{a, b})
	}
	return set, nil
}

// MarshalJSON writes the text form.
func (s Numbers) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON reads the text form.
func (s *Numbers) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := ParseNumbers(text)
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Equal tells whether both hold the same numbers.
func (s Numbers) Equal(other Numbers) bool { return slices.Equal(s.ranges, other.ranges) }
