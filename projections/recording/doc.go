// Package recording turns what a browser recorded into audio that plays
// everywhere. It holds rules only: it knows no object store and no log, just the
// two narrow interfaces [Objects] and [Log] through which it is given both.
//
// # Reading WebM
//
// MediaRecorder writes WebM as a stream: Segment and Clusters of unknown size, no
// duration, no cues. Players then show an endless file and seek badly. The cure is
// two passes over the same bytes:
//
//   - [Inspect] hashes the file, checks it against the browser's claim, and notes
//     of each cluster its time, size and packets. That is the [Plan].
//   - [Plan.Rewrite] copies the blocks, byte for byte and in order, under new heads:
//     SeekHead, Info with Duration, Tracks as they were, Cues, Clusters.
//
// Both passes walk the file with the same reader, so they cannot disagree. Memory
// holds one block, the track's head and 32 bytes a cluster, whatever the length.
//
// The reader takes the file for a flat row of elements. Segment and Cluster are
// entered and their sizes never believed, every other element is taken by its size.
// The children of a cluster and its siblings have no id in common (RFC 9559,
// section 5), so known and unknown sizes read alike, nothing nests, and a size
// that lies can reach no further than the next element.
//
// A file that breaks off in a block, or in which something is missing, is read on
// from the next cluster that can be found. What had to be dropped is said in
// [Plan.Repair]; whether enough is left is judged by the claimed duration.
//
// # Finalizing
//
// [Finalizer] is the worker around these rules. It reads the incoming file three
// times: to inspect it, to know the checksum of what it will write, and to write.
// The middle one is the price for letting the store itself check what it is given.
// Each upload's audio has a key of its own and nothing is overwritten, so a step
// that is done twice finds its own bytes and goes on.
//
// # Reading MP4
//
// MP4 comes from browsers without WebM. It is checked and kept as it is. Recorders write
// it in fragments whose heads place every sample in the file and in time, so the sound
// ends with the last sample that is there whole, and [Repair] says how many bytes the
// heads promise beyond the file's end.
//
// Where a slice is lost no box follows the other any more, or a fragment has no sound: it
// is known by another that begins within it, or too early. Damaged fragments are left out
// whole, since nothing tells which of their samples are right, and reading goes on at the
// next one that can be found. The others are kept byte for byte: their samples' places
// count from their own heads, and their times are what is left as a gap. A file whose
// fragments name their places in the file is refused when a slice of it is lost.
package recording
