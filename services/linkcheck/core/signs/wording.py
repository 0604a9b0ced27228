"""Words for "not found" in the languages of the web. Data only; notfound.py says when they count."""

import re

_THING = (
    r"(?:web ?)?(?:page|pages|article|story|post|entry|document|file|resource|url|address|content|item|link|"
    r"site|product|"
    r"job|listing|video|profile|topic|thread|event|record|destination|data ?set|object|path|route)"
)
_ASKED = (
    r"(?:(?:that |which )?(?:you(?:'|’)?(?: (?:are|were|have|had))?(?:re|ve)? |we were )?(?:just |currently |"
    r"tried to |trying to )?"
    r"(?:look(?:ing|ed)? for|request(?:ed)?|search(?:ing|ed)? for|access|reach|seek(?:ing)?|entered|want(?:ed)?|"
    r"view|visit|"
    r"specified|follow(?:ed|ing)?|find|open|typed|clicked(?: on)?|came for|seeking|requesting|are after|after))"
)
_LOSS = (
    r"(?:(?:not|\w*n(?:'|’)t|cannot|no longer|never|nowhere)\b(?! only)(?: \S+){0,3}? ?(?:found|exists?|located|"
    r"available|here|"
    r"there|accessible|with us)|\b(?:removed|deleted|moved|gone|missing|unavailable|expired|archived|renamed|"
    r"taken down|"
    r"wandered|broken)\b)"
)
_NOT = r"(?:not|n(?:'|’)t|no longer|never)"

PATTERNS: dict[str, tuple[str, ...]] = {
    "en": (
        rf"{_THING} (?:was |is |could |can ?|has |were |are |cannot |"
        rf"have )*(?:{_NOT} )?(?:be )?(?:been )?(?:not )?(?:found|located)\b(?<=found|cated)",
        rf"(?:(?:the|this|that|your|requested|such|no|"
        rf"any) )+(?:requested )?{_THING} (?:{_ASKED} )?(?:\S+ ){{0,8}}?{_LOSS}",
        rf"(?=.{{0,120}}?{_LOSS})(?:the|this|that) {_THING} {_ASKED}",
        r"(?:we|i)(?:(?:'|’)re)?(?: are| were)?,?(?: sorry,?(?: but)?(?: we)?)? ?(?:can(?:'|’)t|cannot|can not|"
        r"couldn(?:'|’)t|could not|"
        r"didn(?:'|’)t|did not|are unable to|were unable to|unable to|failed to|"
        r"have not been able to)(?: seem to)? (?:find|locate) "
        rf"(?:(?:the|that|this|a|any|your) (?:\S+ ){{0,2}}?{_THING}\b|what you|anything|it\b|that\W*$)",
        rf"(?:there(?:'|’)?s|there is|there are|is|are) (?:no|nothing|not|n(?:'|’)t)(?: a| any)? (?:{_THING}|"
        rf"here|to see)\b",
        rf"no such {_THING}\b",
        rf"no (?:such )?{_THING} (?:matching|was found|found|here|exists|at this|with this|by that)",
        r"(?:http |error |code |status )*404(?: (?:error|not found|page)\b|\W*$|\W+(?:page|file|not|error|sorry|"
        r"oops|the)\b)",
        r"(?:page|file|url|document) (?:not |un)available",
        rf"{_THING} (?:does ?n(?:o|'|’)t exist|not exist|has (?:been )?(?:moved|removed|deleted|expired)|"
        rf"no longer exists|missing|unavailable|is gone|not available)",
        r"(?:not found|nothing (?:was )?found|page missing|missing page|dead (?:link|end)|broken link)(?:\W*$|"
        r"\s*[-–—:|.!(,])",
        r"(?:you(?:'|’)ve|you have|we(?:'|’)ve) (?:reached|found|hit|followed|landed on|clicked)(?: on)? (?:a |"
        r"an |our |the )?(?:\S+ )?(?:dead|broken|missing|error|404|non-?existent)",
        r"you have requested an outdated version",
        r"(?:this |the |that )?(?:job|position|vacancy|role|opening)(?: posting| listing|"
        r" opening)? (?:has (?:now |already |"
        r"been |now been |already been )?|is (?:now |already )?)(?:filled|closed|expired|no longer (?:open|active|"
        r"accepting applications))(?:\W*$|[.!])",
        r"(?:this |the |that |your )?(?:account|user|channel|profile) (?:does(?:n(?:'|’)t| not) exist|"
        r"no longer exists|"
        r"(?:was |could )?(?:not|n(?:'|’)t) (?:be )?found|has been (?:deleted|deactivated))(?:\W*$|[.!])",
        r"(?:you(?:'|’)re|you are|you seem to be|you appear to be) lost\W*$",
        rf"(?:this|the|that) {_THING} (?:has been|was) unpublished",
        r"(?:oops|uh oh|whoops|sorry|hmm+)\W+(?:something(?:'|’)s missing|that(?:'|’)s (?:a |an )?(?:404|error|"
        r"not)|nothing (?:here|to see)|lost\b|you(?:'|’)?(?: a)?re lost)",
        r"(?:link|url) (?:you (?:have )?(?:followed|clicked|entered)).{0,60}(?:broken|does not exist|doesn(?:'|"
        r"’)t exist|no longer|expired|incorrect)",
    ),
    "de": (
        r"(?:die |diese |ihre |der |das )?(?:\S+ )?(?:seite|inhalt|artikel|dokument|datei|adresse|url|ressource|"
        r"beitrag|website)\b.{0,60}?"
        r"(?:nicht (?:gefunden|finden|vorhanden|mehr (?:verfügbar|vorhanden|erreichbar)|verfügbar|existier|"
        r"auffindbar)|"
        r"existiert (?:leider )?nicht|"
        r"gibt es (?:leider )?nicht|konnte (?:leider )?nicht|wurde (?:entfernt|gelöscht|verschoben)|"
        r"kann nicht gefunden)",
        r"nicht gefunden|seite (?:existiert|fehlt)|fehler 404|404[ -]fehler",
    ),
    "fr": (
        r"(?:la |cette |le |ce |l(?:'|’))?(?:page|article|document|contenu|fichier|adresse|url|ressource)\b.{0,70}?"
        r"(?:introuvable|n(?:'|’)(?:existe|a pas été trouvé|a pu être trouvé|est (?:plus|pas) (?:disponible|"
        r"accessible)|est plus en ligne)|"
        r"non trouvé|inexistant|(?:a été|est) (?:supprimé|déplacé|retiré)|pas trouvé|n'a pas pu)",
        r"introuvable|erreur 404|page non disponible",
    ),
    "es": (
        r"(?:la |esta |el |este )?(?:página|pagina|artículo|contenido|documento|archivo|url|dirección|recurso|"
        r"enlace)\b.{0,70}?"
        r"(?:no (?:encontrad[ao]|existe|ha sido encontrad|se (?:ha )?(?:encontr|pud)|está disponible|"
        r"fue encontrad|disponible)|"
        r"(?:ha sido|fue) (?:eliminad|movid|borrad)|ya no (?:existe|está))",
        r"no (?:hemos |pudimos |logramos )?(?:se )?(?:encontrad[ao]|(?:ha )?(?:podido )?encontr(?:ado|ar|amos|"
        r"ó))|error 404",
    ),
    "pt": (
        r"(?:a |esta |o |este )?(?:página|pagina|artigo|conteúdo|documento|arquivo|ficheiro|url|endereço|"
        r"recurso)\b.{0,70}?"
        r"(?:não (?:encontrad[ao]|existe|está mais|foi (?:encontrad|possível)|está disponível|disponível|"
        r"pôde ser)|(?:foi|"
        r"foram) (?:removid|movid|apagad)|já não existe)",
        r"não encontrad[ao]|erro 404|não (?:foi )?(?:conseguimos |possível )?encontra",
    ),
    "it": (
        r"(?:la |questa |il |questo |l(?:'|’))?(?:pagina|articolo|contenuto|documento|file|url|indirizzo|"
        r"risorsa)\b.{0,70}?"
        r"(?:non (?:trovat[ao]|esiste|c(?:'|’)è|si trova|è (?:stat[ao] trovat|disponibile|più|presente)|"
        r"disponibile|può essere)|"
        r"(?:è stat[ao]) (?:rimoss|spostat|eliminat)|inesistente)",
        r"non trovat[ao]|errore 404",
    ),
    "nl": (
        r"(?:de |deze |het |dit )?(?:\S+ )?(?:pagina|artikel|document|bestand|adres|url|inhoud)\b.{0,60}?"
        r"(?:niet (?:gevonden|(?:meer )?beschikbaar|te vinden)|bestaat niet|(?:is|werd) (?:verwijderd|"
        r"verplaatst)|kan niet)",
        r"niet gevonden|fout 404",
    ),
    "sv_no_da": (
        r"(?:sidan|siden|artikeln|artikkelen|artiklen|dokumentet|innehållet|innholdet|indholdet)\b.{0,60}?"
        r"(?:hittades inte|finns inte|kunde inte hittas|kan inte|ble ikke funnet|finnes ikke|eksisterer ikke|"
        r"kunne ikke|findes ikke|blev ikke fundet|ikke funnet|har (?:flyttats|tagits bort))",
        r"(?:hittades inte|ikke funnet|ikke fundet|sidan saknas)|(?:fant|fandt|hittade|kan|kunde|kunne) (?:vi |"
        r"desværre |dessverre |tyvärr )*(?:inte|ikke) (?:hitta|finne|finde)? ?(?:sid)",
    ),
    "fi": (r"sivua? .{0,40}?(?:ei (?:löyt|ole|voi)|puuttuu|poistettu)|ei löydy|ei löytynyt",),
    "pl": (
        r"(?:stron[ay]|artykuł\w*|dokument\w*|plik\w*|adres\w*|zasob\w*|"
        r"zasób)\b.{0,60}?(?:nie (?:została? (?:odnalezion|znalezion)|istnieje|znaleziono|"
        r"odnaleziono|jest dostępn|można)|została? (?:usunięt|przeniesion))|nie znaleziono|błąd 404|"
        r"nie (?:(?:możemy|mogliśmy|udało się(?: nam)?) (?:znaleźć|odnaleźć)|(?:znaleźliśmy|odnaleźliśmy) (?:\S+ )?"
        r"(?:stron|artykuł|tego))",
    ),
    "cs_sk": (
        r"(?:stránk[auy]|článek|článok|dokument|soubor|súbor|obsah|adres[au])\b.{0,60}?(?:nenalezen|"
        r"nebyl[ao]? nalezen|neexist|nenájden|"
        r"sa nenašl|nebol[ao]? nájden|není (?:dostupn|k dispozici)|nie je (?:dostupn|k dispozícii)|(?:tu|"
        r"zde) není|tu nie je|byl[ao]? (?:smazán|přesunut|odstraněn))|"
        r"nenalezen[ao]?|nenájden[áé]?|chyba 404",
    ),
    "hu": (
        r"(?:az? )?(?:oldal|lap|cikk|dokumentum|tartalom)\b.{0,60}?(?:nem (?:található|létezik|érhető|elérhető)|"
        r"törölt)|nem található",
    ),
    "ro": (
        r"pagin[aă]\b.{0,60}?(?:nu (?:a fost găsit|există|poate fi|este disponibil)|negăsit|inexistent)|"
        r"nu a fost găsit",
    ),
    "el": (
        r"(?:η )?(?:σελίδα|άρθρο|διεύθυνση)\b.{0,60}?(?:δεν (?:βρέθηκε|υπάρχει|είναι διαθέσιμ)|δε βρέθηκε)|"
        r"δεν βρέθηκε",
    ),
    "ru_uk": (
        r"(?:страниц[аы]|стать[яи]|документ|файл|материал|новость|адрес|ресурс|запись)\b.{0,60}?(?:не (?:найден|"
        r"существует|доступ|обнаруж)|"
        r"(?:была? )?(?:удален|удалён|перемещ))|(?:ничего )?не найден[ао]?|ошибка 404|нет такой страницы|"
        r"так(?:ой|ая) (?:страниц[ыа]|стать[яи]) (?:нет|не существует)|не (?:нашли|"
        r"удалось найти) (?:\S+ )?(?:то, что вы|"
        r"страниц|стать)|"
        r"(?:сторінк[аиу]|статт[яі]|документ)\b.{0,60}?(?:не (?:знайден|існує)|видален)|не знайдено|помилка 404|"
        r"(?:страница(?:та)?|статията?)\b.{0,60}?не (?:е намерена|съществува|беше намерен|е пронајдена|постои)",
    ),
    "hr_sr_sl": (
        r"(?:stranic[aeu]|članak|članka|sadržaj|vijest|vest|dokument|stran[i]?)\b.{0,60}?(?:(?:više )?ne postoji|"
        r"nije (?:pronađen|pronadjen|nađen|dostup)|ne obstaja|ni (?:bil[ao]? )?(?:najden|mogoče najti)|"
        r"nismo (?:pronašli|našli)|je (?:uklonjen|obrisan|izbrisan|odstranjen))|"
        r"(?:страница|чланак|садржај|вест)\b.{0,60}?(?:(?:више )?не постоји|није (?:пронађен|нађен|доступ))",
    ),
    "baltic": (
        r"(?:leht|lehte|lehekülg\w*|artikl\w+|sisu)\b.{0,40}?(?:ei (?:leitud|leia|ole (?:enam )?olemas|eksisteeri)|"
        r"puudub)|"
        r"(?:lapa|raksts|saturs)\b.{0,40}?(?:nav (?:atrast|pieejam)|neeksistē|netika atrast)|"
        r"(?:puslapis|puslapio|straipsnis|turinys)\b.{0,40}?(?:nerast|neegzistuoja|nebuvo rast|nepasiekiam)",
    ),
    "ca_gl_eu": (
        r"(?:la |aquesta |l(?:'|’)|a |esta )?(?:pàgina|article|contingut|document|páxina|artigo|contido)\b.{0,60}?"
        r"(?:no (?:trobad|existeix|s(?:'|’)ha (?:pogut )?trob|està disponible|es troba)|"
        r"non (?:atopad|existe|se atop|está dispoñ))|no s(?:'|’)ha (?:pogut )?trob(?:at|ar) (?:la|aquesta) pàgina|"
        r"orri\w*\b.{0,40}?(?:ez da (?:aurkitu|existitzen)|ezin izan da aurkitu)",
    ),
    "is_sq": (
        r"(?:síð(?:a|an|una)|efnið|greinin)\b.{0,40}?(?:fannst ekki|finnst ekki|er ekki (?:til|lengur))|"
        r"(?:faqja|artikulli)\b.{0,40}?(?:nuk (?:u gjet|ekziston|gjendet))",
    ),
    "caucasus_and_turkic": (
        r"გვერდი.{0,40}?(?:ვერ მოიძებნა|არ (?:მოიძებნა|არსებობს|იძებნება))|"
        r"էջը.{0,40}?(?:չի գտնվ|գոյություն չունի)|"
        r"(?:səhifə|sahifa)\w*.{0,40}?(?:tapılmadı|mövcud deyil|topilmadi|mavjud emas)|бет.{0,40}?(?:табылмады|жоқ\b)",
    ),
    "tr": (
        r"(?:sayfa|sayfanın|içerik|makale|haber|dosya|adres)\b.{0,60}?(?:bulunamadı|bulunmuyor|mevcut değil|"
        r"kaldırıl|yok\b)|bulunamadı|hata 404",
    ),
    "ar_fa_he": (
        r"(?:الصفحة|المقال|المحتوى|الرابط).{0,60}?(?:غير موجود|غير متوفر|لم يتم العثور|لا يمكن العثور|غير متاح)|"
        r"لم يتم العثور|غير موجودة|"
        r"(?:صفحه|مطلب|نشانی).{0,60}?(?:یافت نشد|پیدا نشد|وجود ندارد)|یافت نشد|"
        r"(?:הדף|העמוד|הכתבה|דף|עמוד).{0,60}?(?:לא נמצא|לא קיים|אינו קיים|לא קיימת)|לא נמצא",
    ),
    "zh": (
        r"(?:页面|網頁|网页|頁面|文章|内容|內容|地址|链接|連結|文件|您要?(?:找|访问|訪問|查看|浏览|"
        r"瀏覽)的).{0,24}?(?:不存在|找不到|未找到|不见了|不見了|走丢|走丟|飞走|已(?:经|"
        r"經)?(?:被)?(?:\S{0,8}?)(?:删除|刪除|移除|下线|下架|失效)|無法找到|无法找到|没有找到|沒有找到)|"
        r"(?:找不到|未找到|没有找到|沒有找到|无法找到|無法找到).{0,16}?(?:页面|網頁|网页|頁面|文章|内容|內容)|"
        r"(?:文章|内容|內容).{0,12}?(?:违规|違規).{0,8}?(?:无法|無法|不可|不能)(?:查看|访问|浏览|瀏覽)|"
        r"404(?: ?错误| ?錯誤)",
    ),
    "ja": (
        r"(?:ページ|記事|ファイル|url|コンテンツ|アドレス).{0,40}?(?:見つかりません|見つかりませんでした|"
        r"存在しません|ありません|削除され|移動(?:され|した)|表示できません|"
        r"見当たりません|終了し)|"
        r"(?:見つかりません|存在しません)",
    ),
    "ko": (
        r"(?:페이지|주소|문서|기사|게시물|콘텐츠).{0,40}?(?:찾을 수 없|존재하지 않|없습니다|없는|삭제)|"
        r"(?:존재하지 않는|없는|삭제된) (?:페이지|게시물|기사|주소)|찾을 수 없습니다",
    ),
    "th_vi_id": (
        r"ไม่พบ(?:หน้า|เนื้อหา|ข้อมูล|ไฟล์)|หน้า.{0,30}ไม่(?:พบ|มี)|(?:trang|bài viết|nội dung|"
        r"đường dẫn)\b.{0,50}?(?:không (?:tồn tại|tìm thấy|có)|đã bị xóa)|không tìm thấy|"
        r"(?:halaman|laman|artikel)\b.{0,50}?(?:tidak (?:ditemukan|ada|tersedia|dijumpai)|telah dihapus)|"
        r"tidak ditemukan",
    ),
    "tl_sw": (
        r"hindi (?:makita|mahanap|natagpuan) ang (?:pahina|page)|(?:pahina|page).{0,30}?hindi (?:makita|mahanap|"
        r"nakita|"
        r"natagpuan)|ukurasa\b.{0,40}?(?:haukupatikana|haupatikani|haupo)",
    ),
    "hi_bn": (
        r"(?:पृष्ठ|पेज).{0,40}?(?:नहीं मिला|नहीं मिल|मौजूद नहीं|उपलब्ध नहीं)|(?:পৃষ্ঠা|পাতা\w*|"
        r"পেজ).{0,40}?(?:পাওয়া যায়নি|খুঁজে পাওয়া)|"
        r"صفحہ.{0,40}?(?:نہیں مل|موجود نہیں|دستیاب نہیں)|பக்கம்.{0,40}?(?:கிடைக்கவில்லை|இல்லை|காணவில்லை)",
    ),
}

REGRET = (
    r"(?:[\W\d_]|(?:很?抱歉|对不起|對不起|非常|您|你|我们|该|該|此|这个?|這個?|本|哎呀|この|こちらの|該当の|お探しの|ご?指定(?:された|の)|申し訳(?:ございません|"
    r"ありません)|죄송합니다|요청하신|찾으시는|삭제되었거나|삭제됐거나|이동되었거나|"
    r"ขออภัย|عذرا|متأسف(?:انه|یم)|מצטערים)|\b(?:запрашиваем\w+|запрошенн\w+|искомая|данн\w+|запитан\w+|konnten?|"
    r"von|ihnen|dir|"
    r"wir|die|der|das|"
    r"diese[rs]?|angeforderte|gesuchte|gewünschte|aufgerufene|ihre|denne|den|požadovan\w+|hľadan\w+|hledan\w+|"
    r"żądan\w+|szukan\w+|"
    r"aradığınız|istediğiniz|la|le|el|rất tiếc|xin lỗi|maaf|parece(?: ser)? que|ops|vi|hups|etsimääsi|hakemaasi|"
    r"pyytämääsi|a|az|keresett|kért|tražen[aei]|zahtijevan[aei]|zahtevan[aei]|iskana|тражен[аи]|тражени|"
    r"търсената|бараната|"
    r"так(?:ой|ая)|эт(?:ой|а)|мы|вы|кажется|похоже|на жаль|нажаль|вибачте|jejda|error|fehler|erreur|erro|errore|"
    r"ошибка|错误|http|https|"
    r"status|code|sorry|we(?:'|’)re|so|"
    r"but|oops+|oh|no|"
    r"uh|whoops|hmm+|désolée?s?|lo sentimos|leider|helaas|ooops|ups|hoppla|ай|упс|к сожалению|извините|простите|"
    r"przepraszamy|"
    r"es tut uns leid|entschuldigung|looks like|it|seems|unfortunately|we|are|very|er|that|apologies|apologise|"
    r"apologize|"
    r"please|hi|hello|beklager|tyvärr|lamentamos|spiacenti|siamo|ci dispiace|desculpe|bohužel|sajnáljuk|üzgünüz|"
    r"page)\b)"
)
LOSS_STEMS = (
    "not", "n't", "n’t", "no ", "404", "410", "gone", "missing", "moved", "removed", "deleted",
    "unavailable", "expired", "broken", "dead", "unable", "fail", "nothing", "lost", "outdated", "nicht",
    "fehl", "gelöscht", "entfernt", "verschoben", "introuvable", "n'", "n’", "pas ", "supprim", "inexist",
    "no se", "ya no", "eliminad", "não", "removid", "non ", "rimoss", "niet", "verwijderd", "inte",
    "saknas", "ikke", "ei ", "puuttu", "poistet", "nie ", "usun", "není", "nenal", "nenaš", "nenáj", "neexist",
    "nem ", "töröl", "nu ", "negăsit", "δεν", "δε ", "не ", "нет ", "удал", "нема", "yok", "bulunam",
    "değil", "kaldır", "غير", "لم ", "لا ", "نشد", "ندارد", "לא ", "אינו", "不", "找", "没", "沒", "已", "無",
    "无", "失", "ません", "削除", "ない", "移動", "終了", "없", "삭제", "ไม่", "không", "xóa", "tidak", "dihapus", "नह",
    "যায়নি", "খুঁজে", "ne ", "nije", "nismo", "je uk", "je ob", "je iz", "није", "nav ", "neeks", "netika",
    "nerast", "neegz",
    "nebuvo", "puudub", "trob", "ez ", "ezin", "ekki", "nuk ", "ვერ", "არ ", "չ", "tapılma", "deyil",
    "topilma", "emas",
    "табылма", "жоқ", "hindi", "hauk", "haup", "نہیں", "வில்லை", "இல்லை", "违规", "違規", "filled", "closed",
    "unpublished", "走丢", "走丟",
)  # fmt: skip
"""A quick look before the long one: without one of these no pattern can match."""
TO_THE_READER = re.compile(
    r"\byou(?:(?:'|’)(?:re|ve)| (?:are|were|have|had|tried|requested|entered|followed|wanted|clicked|want|typed|"
    r"just))?\b|your request\b|requested (?:page|url)|"
    r"gesucht|aufgerufen|angefordert|gewünscht|demandée?|recherch|souhait|cherch|solicitad|busca|intenta|"
    r"richiest|cerc(?:ando|avi|hi|ata)|"
    r"opgevraagd|zoekt|gezocht|sökte|letar|leter|leder|etsim|szuka|żądan|hledá|hľadá|požadovan|keresett|căuta|"
    r"ζητ|ψάχν|"
    r"запраш|запрош|ищете|искал|шукає|търси|aradığınız|istediğiniz|المطلوب|تبحث|درخواست|שחיפש|המבוקש|您|你|"
    r"お探し|ご指定|찾으시|요청하|ที่คุณ|"
    r"bạn|anda|जिस|আপনি"
)
