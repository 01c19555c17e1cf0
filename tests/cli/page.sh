# The page of nnc explain, in a browser: symbols light up in all four views, the keyboard reaches them, nothing is wider than a telephone.
if ! command -v python3 >/dev/null; then
    echo "SKIPPED: python3 is missing, which reads the page"
    exit 0
fi
step=$SOURCE/examples/01_step_by_step/step_by_step.nn
"$NNC" explain "$step" --sample 0 -o page.html
"$NNC" explain "$step" --sample 0 --element 'hidden.W[0, 1]' -o element.html
"$NNC" explain "$SOURCE/examples/03_iris/iris.nn" -o formulas.html

# Elements are closed in order, nothing comes from elsewhere, and what is linked to is there; the data are those of --format=json.
"$NNC" explain "$step" --sample 0 -o data.json
for page in page element formulas; do
    python3 - $page.html <<'PYTHON'
import html.parser, json, re, sys
text = open(sys.argv[1]).read()
class Page(html.parser.HTMLParser):
    stack, ids, links, data = [], set(), set(), ""
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a:
            assert a["id"] not in self.ids, a["id"]
            self.ids.add(a["id"])
        if a.get("href", "").startswith("#"): self.links.add(a["href"][1:])
        else: assert "href" not in a or a["href"] == "data:,", a
        assert "src" not in a, a
        if tag not in ("meta", "link", "path", "polygon", "ellipse"): self.stack.append(tag)
    def handle_startendtag(self, tag, attributes): pass
    def handle_endtag(self, tag):
        if tag in ("path", "polygon", "ellipse"): return
        assert self.stack.pop() == tag, (tag, self.getpos())
    def handle_data(self, data):
        if self.stack and self.stack[-1] == "script" and data.lstrip().startswith("{"): self.data = data
page = Page()
page.feed(text)
assert not page.stack, page.stack
assert page.links <= page.ids, page.links - page.ids
assert "http:" not in re.sub(r"http://www.w3.org/[^\"]*", "", text) and "https:" not in text
data = json.loads(page.data)
if sys.argv[1] == "page.html": assert data == json.load(open("data.json"))
PYTHON
done

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "SKIPPED: no Chromium, which would show the page"
    exit 0
fi
python3 - <<'PYTHON'
page = open("page.html").read()
before = """<script>var errors = []; window.onerror = function (message) { errors.push(message); };
console.error = console.warn = function (message) { errors.push(String(message)); };</script>"""
after = """<iframe id="narrow" src="page.html" style="width: 360px; height: 600px"></iframe>
<script>
addEventListener("load", function () {
    var views = ["explanation", "graph", "model", "generated"], wrong = [];
    function lit(view) { return document.querySelectorAll("#" + view + " .lit").length; }
    function expect(what, holds) { if (!holds) wrong.push(what); }
    ["x", "t", "hidden.W", "hidden.dense", "hidden", "output", "loss", "dhidden.W", "doutput.dense"].forEach(function (name) {
        views.forEach(function (view) {
            var mention = Array.prototype.find.call(document.querySelectorAll("#" + view + " [data-s]"), function (element) {
                return element.getAttribute("data-s").split(" ").indexOf(name) >= 0;
            });
            expect(name + " is not in " + view, mention);
            if (!mention) return;
            mention.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
            views.forEach(function (other) { expect(name + " in " + view + " does not light up in " + other, lit(other) > 0); });
        });
    });
    document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
    views.forEach(function (view) { expect("Escape leaves light in " + view, lit(view) === 0); });
    document.querySelectorAll("#explanation h3[data-s]").forEach(function (heading) {
        heading.focus();
        expect(heading.id + " takes no focus", document.activeElement === heading);
        expect(heading.id + " does not light up in the model", lit("model") > 0);
        expect(heading.id + " does not light up in the graph or is a part", lit("graph") > 0 || heading.id === "s-loss_sum");
    });
    document.querySelectorAll("#graph .node, #model [data-s]").forEach(function (element) {
        expect("no focus by Tab", element.getAttribute("tabindex") === "0");
    });
    expect("formulas", document.querySelectorAll("math").length > 50);
    var narrow = document.getElementById("narrow").contentDocument.documentElement;
    expect("wider than 360 pixels: " + narrow.scrollWidth, narrow.scrollWidth <= 360);
    document.body.innerHTML = "<pre>RESULT " + JSON.stringify({errors: errors, wrong: wrong}) + "</pre>";
});
</script>"""
page = page.replace("<head>", "<head>" + before, 1).replace("</body>", after + "</body>", 1)
open("tried.html", "w").write(page)
PYTHON
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --allow-file-access-from-files --user-data-dir="$PWD/profile" \
    --window-size=1400,900 --virtual-time-budget=10000 --dump-dom "file://$PWD/tried.html" >dom 2>log || { cat log; exit 1; }
grep -o 'RESULT .*' dom
grep -qF 'RESULT {"errors":[],"wrong":[]}' dom
