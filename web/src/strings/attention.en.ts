// Why a session needs attention, and what its learner can do.
export const attentionEn = {
  reasons: {
    on_device:
      'A part of this session is still on the device on which you talked. Open Parley there and choose “Finish saving”.',
    size_mismatch:
      'The recording did not arrive as it was sent. It is still on the device on which you talked: save it again there.',
    checksum_mismatch:
      'The recording was damaged on its way. It is still on the device on which you talked: save it again there.',
    object_missing:
      'The recording did not arrive. It is still on the device on which you talked: save it again there.',
    not_finalized:
      'The recording arrived and could not be checked, however often it was tried. Save it again on the device on which you talked; if that does not help, ask whoever runs this server.',
    unsupported_type:
      'Your browser sent a kind of recording that is not taken here. The transcript stays. Try another browser next time.',
    wrong_format:
      'What arrived is not a recording. The transcript stays. Ask whoever runs this server what became of it.',
    wrong_tracks:
      'The file holds something else than one sound track, so it is not taken as your recording. The transcript stays.',
    wrong_codec:
      'Your browser recorded in a way that cannot be played here. The transcript stays. Try another browser next time.',
    wrong_channels:
      'The recording has more sides than the two of a conversation, so it is not taken. The transcript stays.',
    no_sound:
      'The recording holds no sound at all. The transcript stays. Check the microphone before you talk next time.',
    duration_mismatch:
      'The recording is much shorter or longer than your conversation was. Save it again on the device on which you talked; if that does not help, ask whoever runs this server.',
    too_complex:
      'The file is built in a way that no recorder writes, so it is not taken. The transcript stays.',
  } as Record<string, string>,
  other: 'This recording could not be saved. Ask whoever runs this server, and tell the reason: ',
}
