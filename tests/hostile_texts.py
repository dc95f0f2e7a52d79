"""Texts that try to run something or to break out of their place on a page; each would set window.pwned."""

from datetime import timedelta

from paper_boards import NOW, Paper

from golfkit.board.records import frontmatter, names

RUN = "window.pwned=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f'"><script>{RUN}</script>',
    f"'><script>{RUN}</script>",
    f"</script><script>{RUN}</script>",
    f"</style><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'<img src="x" onerror="{RUN}">',
    f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    f"' onfocus='{RUN}' autofocus tabindex=0 x='",
    f"` onmouseover=`{RUN}`",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<math><mtext></mtext><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    f"<iframe src=javascript:{RUN}></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src=javascript:{RUN}>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>x",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<a href=javascript:{RUN}>x</a>",
    f"[x](javascript:{RUN})",
    f"[x](JaVaScRiPt&#58;{RUN})",
    f"[x](data:text/html,<script>{RUN}</script>)",
    f"![x](javascript:{RUN})",
    f'![x"onerror="{RUN}](https://example.invalid/x.png)',
    f'![x](https://example.invalid/x.png "a\\" onerror=\\"{RUN}")',
    f"<javascript:{RUN}>",
    f"[x]: javascript:{RUN}\n\n[x]",
    "<meta http-equiv=refresh content='0;url=https://example.invalid/'>",
    "<base href=https://example.invalid/>",
    "<link rel=stylesheet href=https://example.invalid/x.css>",
    "<style>*{display:none}</style>",
    "<form action=https://example.invalid/><button>x</button></form>",
    "{{ 7*7 }} {% raw %} {{ ''.__class__ }} ${7*7}",
    f"<!--><script>{RUN}</script>-->",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"\u202e<script>{RUN}</script>\u2066 \u0000\u0007\u001b[31m red \ufeff",
    f"&lt;script&gt;{RUN}&lt;/script&gt; &amp; &quot;",
    f"javascript:{RUN}",
    f'artifacts/x" onclick="{RUN}',
    f"artifacts/../../../etc/passwd?<script>{RUN}</script>",
    f'https://huggingface.co/"onmouseover="{RUN}',
    f"```\n</code></pre><script>{RUN}</script>\n```",
    f"| a |\n|---|\n| <img src=x onerror={RUN}> |",
    "$\\frac{x}{$ _leading ^%&\\nonsense{",
)


def board() -> Paper:
    """A board with every text in every field of a message, a result, an agent and a file's name."""
    found = Paper()
    for n, text in enumerate(PAYLOADS):
        when = NOW - timedelta(days=3) + timedelta(minutes=n)
        stamp = when.strftime(names.STAMP)
        odd = text.replace("/", "-").replace("\n", " ")[:100]
        for name in (f"{stamp}_plain-{n:02d}.md", f"{stamp}_{odd}.md"):
            found.files[f"message_board/{name}"] = frontmatter.write(
                {"agent": text, "timestamp": text, "type": text, "refs": (text, name), text: text, "claim": text}, text
            ).encode("utf-8", "replace")
            found.files[f"results/{name}"] = frontmatter.write(
                {
                    **{"agent": text, "method": text, "bytes": str(16_000_000 + n), "bpc": "1.280", "timestamp": text},
                    **{"status": "negative" if n % 3 == 0 else "agent-run", "description": text, "artifacts": text},
                    **{"refs": text, text: text, "verified": text},
                },
                text,
            ).encode("utf-8", "replace")
        for name in (f"plain-{n:02d}", odd):
            found.files[f"agents/{name}.md"] = frontmatter.write(
                {
                    **{"agent_name": text, "agent_model": text, "agent_harness": text, "agent_tools": (text, "bash")},
                    **{"hf_user": text, "joined": text},
                },
                text,
            ).encode("utf-8", "replace")
        found.files[f"artifacts/{odd}/{odd}.png"] = text.encode("utf-8", "replace")
        found.files[f"artifacts/{odd}/results.json"] = text.encode("utf-8", "replace")
    return found
