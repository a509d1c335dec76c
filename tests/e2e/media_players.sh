#!/bin/sh
# Our media files in another program's hands, and its files in ours:
#
#     tests/e2e/media_players.sh MEDIA_FILES
#
# MEDIA_FILES is the program made of media_files.c. Needs ffmpeg and ffprobe (Debian: ffmpeg).
set -eu
files=$1
if ! command -v ffmpeg >/dev/null 2>&1 || ! command -v ffprobe >/dev/null 2>&1; then
    echo "SKIPPED: no player to try our files with. Install one: apt-get install ffmpeg" >&2
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

# Decodes all of a file; every word of complaint is a failure.
plays()
{
    ffmpeg -nostdin -v warning -i "$1" -f null - >said 2>&1 || fail "$1 does not play: $(cat said)"
    [ ! -s said ] || fail "$1 plays with complaints: $(cat said)"
}

# expect FILE ENTRIES VALUE: what ffprobe says of the only stream.
expect()
{
    got=$(ffprobe -v error -count_packets -show_entries "$2" -of csv=p=0 "$1")
    [ "$got" = "$3" ] || fail "$1: $2 is $got, not $3"
}

# The same frames, by number and content, whatever their times.
same_frames()
{
    a=$("$files" read "$1" | cut -d' ' -f1,3)
    b=$("$files" read "$2" | cut -d' ' -f1,3)
    [ "$a" = "$b" ] || fail "$1 and $2 differ: $a, $b"
}

"$files" write .

echo "# Ours, played"
plays video.ivf
expect video.ivf stream=codec_name,width,height,nb_read_packets vp8,640,360,60
expect video.ivf format=duration 2.000000
plays audio.opus
expect audio.opus stream=codec_name,sample_rate,channels,nb_read_packets opus,48000,1,100
expect audio.opus format=duration 2.000000
plays gaps.opus # 100 packets, 10 that fill the short gap, and 5 s that are jumped
expect gaps.opus stream=nb_read_packets 110
expect gaps.opus format=duration 7.200000

echo "# Ours, rewritten by the other program, and read again"
for file in video.ivf audio.opus; do
    ffmpeg -nostdin -v error -i $file -c copy rewritten.$file
    same_frames $file rewritten.$file
done

echo "# The other program's"
ffmpeg -nostdin -v error -f lavfi -i testsrc=duration=3:size=322x182:rate=30000/1001 \
    -c:v libvpx -b:v 300k -auto-alt-ref 1 -lag-in-frames 16 theirs.ivf
ffmpeg -nostdin -v error -f lavfi -i sine=frequency=700:duration=3 -c:a libopus theirs.opus
ffmpeg -nostdin -v error -i theirs.ivf -i theirs.opus -c copy theirs.webm
ffmpeg -nostdin -v error -i theirs.ivf -i theirs.opus -c copy -f webm -live 1 - | cat >live.webm
for file in theirs.ivf theirs.opus theirs.webm live.webm; do
    said=$("$files" read $file) || fail "$file is not read"
    ms=$(echo "$said" | cut -d' ' -f2)
    [ "$ms" -ge 2900 ] && [ "$ms" -le 3100 ] || fail "$file: $ms ms"
done
[ "$("$files" read theirs.webm)" = "$("$files" read live.webm)" ] || fail "live WebM differs"
for part in ivf opus; do # the frames of each track are those of the file it came from
    ffmpeg -nostdin -v error -i theirs.webm -map 0:$([ $part = ivf ] && echo v || echo a) \
        -c copy alone.mkv
    same_frames theirs.$part alone.mkv
    rm alone.mkv
done
echo "passed"
