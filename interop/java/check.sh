#!/usr/bin/env bash
# Format, compile, test the Java reader, and run the conformance suite against its program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

formatter=1.28.0 # the last one for Java 17
jar=target/tools/google-java-format-$formatter-all-deps.jar

fetch_formatter() {
    [ -f "$jar" ] || mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact=com.google.googlejavaformat:google-java-format:$formatter:jar:all-deps \
        -DoutputDirectory=target/tools
}

check_format() {
    find src -name '*.java' -exec java -XX:+UseSerialGC -jar "$jar" --dry-run --set-exit-if-changed {} +
}

# The suite starts the program a thousand times: an archive of its classes, and no compiler, halve that time.
program=(java -Xmx256m -XX:+UseSerialGC -XX:-UsePerfData -Xint -Xlog:disable)
archive_classes() {
    local model=../conformance/predict/events_bm25_decayed
    "${program[@]}" -XX:ArchiveClassesAtExit="$PWD/target/mlcore.jsa" -jar "$PWD/target/mlcore.jar" \
        corpus < <(printf '{"model": "%s/model", "requests": []}\n' "$model") >/dev/null 2>&1
}

run_suite() {
    local python=python3 here=$PWD
    cd ../..
    if [ -x .venv/bin/python ]; then
        python=.venv/bin/python
    fi
    "$python" -m interop.tools.run \
        --adapter "${program[*]} -XX:SharedArchiveFile=$here/target/mlcore.jsa -jar $here/target/mlcore.jar"
}

step fetch_formatter
step check_format
step mvn -q -B package
step archive_classes
step run_suite
