package proof

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserProgram is the path of Chromium. The test is skipped where there is none.
func browserProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("NOT TESTED: needs chromium: apt-get install chromium")
	return ""
}

// newBrowser starts Chromium for one test and returns the context of an empty tab. The
// browser ends with the test. It has no cache and no cookies of another test, and asks
// nobody outside for anything. The allocator makes its folder, and removes it when the last
// process of Chromium has ended, which may be after the browser itself: a folder of the test
// would fail the test, since a process still writes there.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browserProgram(t)),
		chromedp.NoSandbox, // the sandbox refuses to work for root, as whom CI runs
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestBrowser shows that the browser of these tests starts and runs a script.
func TestBrowser(t *testing.T) {
	ctx := newBrowser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	if sum, err := chromedp.Run(ctx, chromedp.Evaluate[int]("20 + 22")); err != nil || sum != 42 {
		t.Fatalf("got %d and %v, want 42", sum, err)
	}
}
