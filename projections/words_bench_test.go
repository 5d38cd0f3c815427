package projections_test

import (
	"testing"

	"parley/projections"
)

// BenchmarkWords hashes a turn of sixty characters.
func BenchmarkWords(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		projections.HashWords(projections.WordKey{1}, projections.Words("es", "¿Tiene algo sin gluten? Quiero reservar mesa para mañana, ci"))
	}
}
