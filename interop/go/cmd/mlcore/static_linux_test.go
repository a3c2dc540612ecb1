package main

import (
	"bufio"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const (
	moduleRoot  = "../.."
	staticBuild = `CGO_ENABLED=0 go build -trimpath -ldflags="-s -w"`
)

// buildStatic runs the command by which the Dockerfile builds, and returns the binary.
func buildStatic(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command on this machine")
	}
	line := regexp.MustCompile(`(?m)^RUN (.*) -o /mlcore \./cmd/mlcore$`).FindStringSubmatch(readText(t, moduleRoot+"/Dockerfile"))
	if line == nil || line[1] != staticBuild {
		t.Fatalf("the Dockerfile does not build by %s", staticBuild)
	}
	binary := filepath.Join(t.TempDir(), "mlcore")
	build := exec.Command("sh", "-c", line[1]+` -o "$0" ./cmd/mlcore`, binary)
	build.Dir = moduleRoot
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return binary
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(to, []byte(readText(t, from)), mode); err != nil {
		t.Fatal(err)
	}
}

func TestTheStaticBinaryNeedsNothingElse(t *testing.T) {
	binary := buildStatic(t)
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a segment %v", segment.Type)
		}
	}
	if file.Section(".symtab") != nil || strings.Contains(readText(t, binary), mustAbsolute(t, moduleRoot)) {
		t.Error("it has symbols, or names of folders of this machine")
	}
	t.Run("in an empty directory", func(t *testing.T) {
		model := mustAbsolute(t, smallModels+"cosine_tf_idf/model")
		checkServes(t, &exec.Cmd{Path: binary, Dir: t.TempDir()}, model)
	})
	t.Run("in a root directory with a model alone", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root may change the root directory")
		}
		root := t.TempDir()
		copyFile(t, binary, root+"/mlcore", 0o755)
		if err := os.Mkdir(root+"/model", 0o755); err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(smallModels + "cosine_tf_idf/model/*")
		if err != nil || len(files) == 0 {
			t.Fatalf("no model: %v", err)
		}
		for _, file := range files {
			copyFile(t, file, root+"/model/"+filepath.Base(file), 0o644)
		}
		command := &exec.Cmd{Path: "/mlcore", Dir: "/"}
		command.SysProcAttr = &syscall.SysProcAttr{
			Chroot: root, Credential: &syscall.Credential{Uid: 65534, Gid: 65534},
		}
		checkServes(t, command, "/model")
	})
}

func mustAbsolute(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// checkServes starts a server, without an environment, and asks it.
func checkServes(t *testing.T, command *exec.Cmd, model string) {
	t.Helper()
	command.Args = []string{"mlcore", "serve", "--model-dir", model, "--listen", "127.0.0.1:0"}
	command.Env = []string{}
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); errors.Is(err, syscall.EPERM) {
		t.Skip("this system does not let root change the root directory")
	} else if err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			command.Process.Kill()
			command.Wait()
		}
	}()
	address := logRecords(t, bufio.NewReader(stderr), "listening")["address"].(string)
	for path, part := range map[string]string{
		"/healthz":                            "ok",
		"/v1/users/u0002/recommendations?n=3": `{"item_id": "0032", "score": 25.238584886048955}`,
	} {
		if body := get(t, "http://"+address+path); !strings.Contains(body, part) {
			t.Errorf("%s: got %s", path, body)
		}
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended = true
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestTheDockerfileNamesWhatExists reads it by hand: no engine is needed to see that its sources are there.
func TestTheDockerfileNamesWhatExists(t *testing.T) {
	known := map[string]bool{"FROM": true, "WORKDIR": true, "COPY": true, "RUN": true, "USER": true,
		"EXPOSE": true, "ENTRYPOINT": true, "CMD": true}
	stages, last := map[string]bool{}, map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(readText(t, moduleRoot+"/Dockerfile")), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if !known[words[0]] {
			t.Errorf("no instruction: %s", line)
		}
		last[words[0]] = strings.Join(words[1:], " ")
		switch {
		case words[0] == "FROM" && len(words) == 4 && words[2] == "AS":
			stages[words[3]] = true
		case words[0] == "COPY" && strings.HasPrefix(words[1], "--from="):
			// The build command writes it: see buildStatic.
			if !stages[strings.TrimPrefix(words[1], "--from=")] || words[2] != "/mlcore" {
				t.Errorf("no such stage or file: %s", line)
			}
		case words[0] == "COPY":
			for _, source := range words[1 : len(words)-1] {
				if _, err := os.Stat(filepath.Join(moduleRoot, source)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	for name, expected := range map[string]string{
		"FROM": "scratch", "USER": "65534:65534", "EXPOSE": "8080", "ENTRYPOINT": `["/mlcore"]`,
		"CMD": `["serve", "--model-dir", "/model", "--listen", ":8080"]`,
	} {
		if last[name] != expected {
			t.Errorf("%s: expected %s, got %s", name, expected, last[name])
		}
	}
	if !strings.Contains(readText(t, moduleRoot+"/README.md"), staticBuild+" ./cmd/mlcore\n") {
		t.Error("the README has another command for the static binary")
	}
}
