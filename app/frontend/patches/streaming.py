"""An answer while it is written: what is drawn at each frame, and where the page scrolls to.

The code that they call is in `public/page.js` and `public/markdown.js`.
"""

from app.frontend.patches.patch import Patch

STREAMING = (
    Patch(
        # Chainlit reads all of a chat's messages where it wants no more than the chat's id, and draws the composer, the
        # header and the list of chats anew at every frame of an answer. Read when asked for, each of the three is a
        # subscription by itself; a component asks for the same ones each time, as React demands of its hooks.
        name="thread-state",
        why="what shows no message is not drawn again when one grows",
        file="libs/react-client/src/useChatMessages.ts",
        old="Rl=()=>{let t=Ln(Xx),e=Ln($6);return{threadId:Ln(Eoe),messages:t,firstInteraction:e}}",
        new="Rl=()=>({get threadId(){return Ln(Eoe)},get messages(){return Ln(Xx)},"
        "get firstInteraction(){return Ln($6)}})",
    ),
    Patch(
        # Chainlit took every place that is not the end for one that a person had scrolled to; also where the text had
        # just grown, so that the page stopped in the middle of an answer.
        name="follow-answer",
        why="the page follows an answer until a person scrolls up",
        file="frontend/src/components/chat/ScrollContainer.tsx",
        # It also ignored every scroll while it moved the page itself: until the page had not moved for 100 ms, which is
        # the whole of a fast answer.
        old="if(!i.current||d)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10;"
        "t&&(t.current=A),u(!A)}",
        new="if(!i.current)return;const{scrollTop:S,scrollHeight:C,clientHeight:w}=i.current,A=S+w>=C-10,"
        "kimiUp=S<(i.current.kimiTop||0);i.current.kimiTop=S;if(d&&!kimiUp)return;t&&(A||kimiUp)&&(t.current=A),"
        "u(!A&&!(t&&t.current))}",
    ),
    Patch(
        # What grows without a message: buttons, pictures. Not what somebody opens, who wants to see how it begins.
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
        why="the composer is not drawn again when a message grows",
        file="frontend/src/components/chat/Footer.tsx",
        old='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(lnt,{...e})',
        new='className:Ae("relative flex flex-col items-center gap-2 w-full"),children:[f.jsx(kimi.memo(E,lnt),{...e})',
    ),
    Patch(
        name="chats-memo",
        why="the list of chats is not drawn again when a message grows",
        file="frontend/src/components/LeftSidebar/ThreadHistory.tsx",
        old="f.jsx(XVn,{threadHistory:o,",
        new="f.jsx(kimi.memo(E,XVn),{threadHistory:o,",
    ),
    Patch(
        # Only what is drawn goes through it: the message stays as the model wrote it, for copying and for the history.
        # Chainlit makes its functions for the parts of a text anew at every frame. To React they are other components
        # then, and it throws the whole message away and builds it again; kept, only what has changed is touched.
        name="markdown-begin",
        why="LaTeX is drawn whichever of its delimiters the model uses, and a frame draws what is new: how it begins",
        file="frontend/src/components/Markdown.tsx",
        old='return f.jsx(twn,{className:Ae("prose lg:prose-xl",a),remarkPlugins:c,rehypePlugins:s,components:{...m8e,',
        new='return kimi.message(f.jsx,twn,E.useRef([]),Ae("prose lg:prose-xl",a),'
        "{remarkPlugins:c,rehypePlugins:s,components:E.useMemo(()=>({...m8e,",
    ),
    Patch(
        name="markdown-end",
        why="LaTeX is drawn whichever of its delimiters the model uses, and a frame draws what is new: how it ends",
        file="frontend/src/components/Markdown.tsx",
        old="return m8e.Alert({variant:h,children:u})}},children:i})}",
        new="return m8e.Alert({variant:h,children:u})}}),[o,e,(r||[]).map(l=>l.id+l.url).join()])},i)}",
    ),
)
