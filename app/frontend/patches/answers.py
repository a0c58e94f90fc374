"""What can be done with an answer: copied in several forms, shared, printed. The code is in `public/answer.js`."""

from app.frontend.patches.patch import Patch

ANSWERS = (
    Patch(
        name="answer-menu",
        why="an answer can be copied as Markdown, plain or formatted text, shared from a phone, and printed",
        file="frontend/src/components/chat/Messages/Message/Buttons/index.tsx",
        old="l?f.jsx(PSe,{content:t.output,contentRef:r}):null,",
        new="l?f.jsxs(f.Fragment,{children:[f.jsx(PSe,{content:t.output,contentRef:r}),f.jsx(kimi.answer.Menu,"
        "{jsx:f.jsx,parts:{Root:Zse,Trigger:Jse,Content:GR,Item:Ip,Button:Ft},words:t.output,content:r,toast:Qn})]}):null,",
    ),
    Patch(
        name="copied-html",
        why="a copied answer has no buttons, and nothing of the page's look, in what is pasted",
        file="frontend/src/components/CopyButton.tsx",
        old="n.current.innerHTML",
        new="kimi.answer.html(n.current)",
        places=2,
    ),
)
