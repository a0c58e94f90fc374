"""A streaming answer: what is rendered at each frame, and where the page scrolls.

The code that they call is in `public/page.js` and `public/markdown.js`.
"""

from app.frontend.patches.patch import Patch

STREAMING = (
    Patch(
        # Chainlit reads all of a chat's messages where it needs only the chat's id, and so renders the composer, the
        # header and the list of chats again at every frame of an answer. Read on demand, each of the three is a
        # separate subscription; a component reads the same ones each time, as React's rules of hooks require.
        name="thread-state",
        why="what shows no messages is not rendered again when one grows",
        file="libs/react-client/src/useChatMessages.ts",
        old="Rl=()=>{let t=Ln(Xx),e=Ln($6);return{threadId:Ln(Eoe),messages:t,firstInteraction:e}}",
        new="Rl=()=>({get threadId(){return Ln(Eoe)},get messages(){return Ln(Xx)},"
        "get firstInteraction(){return Ln($6)}})",
    ),
    Patch(
        # Chainlit took every position other than the end for one that the user had scrolled to, even if the text had
        # just grown, so the page stopped in the middle of an answer.
        name="follow-answer",
        why="the page follows an answer until the user scrolls up",
        file="frontend/src/components/chat/ScrollContainer.tsx",
        # It also ignored every scroll until 100 ms after it had last moved the page itself, which can be the whole of a
        # fast answer.
        old="if(!i.current||d)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10;"
        "t&&(t.current=A),u(!A)}",
        new="if(!i.current)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10,"
        "kimiUp=S<(i.current.kimiTop||0);i.current.kimiTop=S;if(d&&!kimiUp)return;t&&(A||kimiUp)&&(t.current=A),"
        "u(!A&&!(t&&t.current))}",
    ),
    Patch(
        # What grows without a message: buttons, pictures. Not what the user opens, who wants to see its beginning.
        name="follow-growth",
        why="the page follows what grows below an answer",
        file="frontend/src/components/chat/ScrollContainer.tsx",
        old='return window.addEventListener("resize",S),p(),()=>{window.removeEventListener("resize",S)}},[e,p])',
        new='let kimiHand=0;const kimiBox=i.current,kimiHands=["pointerdown","keydown"],'
        "kimiTouch=()=>{kimiHand=Date.now()},kimiSize=new ResizeObserver(()=>{"
        "s.current&&s.current.nextElementSibling&&Date.now()-kimiHand>1000&&p()});"
        "kimiSize.observe(kimiBox.firstElementChild);kimiHands.forEach(k=>kimiBox.addEventListener(k,kimiTouch,!0));"
        'return window.addEventListener("resize",S),p(),()=>{kimiSize.disconnect(),'
        "kimiHands.forEach(k=>kimiBox.removeEventListener(k,kimiTouch,!0)),"
        'window.removeEventListener("resize",S)}},[e,p])',
    ),
    Patch(
        name="composer-memo",
        why="the composer is not rendered again when a message grows",
        file="frontend/src/components/chat/Footer.tsx",
        old='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(lnt,{...e})',
        new='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(kimi.memo(E,lnt),{...e})',
    ),
    Patch(
        name="chats-memo",
        why="the list of chats is not rendered again when a message grows",
        file="frontend/src/components/LeftSidebar/ThreadHistory.tsx",
        old="f.jsx(XVn,{threadHistory:o,",
        new="f.jsx(kimi.memo(E,XVn),{threadHistory:o,",
    ),
    Patch(
        # This affects rendering only: the message stays as the model wrote it, for copying and for the history.
        # Chainlit creates its functions for the elements of a text again at every frame. To React they are new
        # components, so it rebuilds the whole message; memoised, only what has changed is updated.
        name="markdown-begin",
        why="LaTeX is rendered with any of its delimiters, and a frame renders only what is new: the beginning",
        file="frontend/src/components/Markdown.tsx",
        old='return f.jsx(twn,{className:Ae("prose lg:prose-xl",a),remarkPlugins:c,rehypePlugins:s,components:{...m8e,',
        new='return kimi.message(f.jsx,twn,E.useRef([]),Ae("prose lg:prose-xl",a),'
        "{remarkPlugins:c,rehypePlugins:s,components:E.useMemo(()=>({...m8e,",
    ),
    Patch(
        name="markdown-end",
        why="LaTeX is rendered with any of its delimiters, and a frame renders only what is new: the end",
        file="frontend/src/components/Markdown.tsx",
        old="return m8e.Alert({variant:h,children:u})}},children:i})}",
        new="return m8e.Alert({variant:h,children:u})}}),[o,e,(r||[]).map(l=>l.id+l.url).join()])},i)}",
    ),
)
