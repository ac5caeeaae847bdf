<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Actions</name>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>编辑(&amp;E)</translation>
    </message>
    <message>
        <source>&amp;Translation</source>
        <translation>翻译(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>视图(&amp;V)</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>帮助(&amp;H)</translation>
    </message>
    <message>
        <source>&amp;Open text…</source>
        <translation>打开文本(&amp;O)…</translation>
    </message>
    <message>
        <source>&amp;Save translation…</source>
        <translation>保存译文(&amp;S)…</translation>
    </message>
    <message>
        <source>&amp;Add a model…</source>
        <translation>添加模型(&amp;A)…</translation>
    </message>
    <message>
        <source>Add a model from a &amp;folder…</source>
        <translation>从文件夹添加模型(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Models</source>
        <translation>模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Get models…</source>
        <translation>获取模型(&amp;G)…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>退出(&amp;Q)</translation>
    </message>
    <message>
        <source>&amp;Undo</source>
        <translation>撤销(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Redo</source>
        <translation>重做(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Copy translation</source>
        <translation>复制译文(&amp;C)</translation>
    </message>
    <message>
        <source>&amp;Paste and translate</source>
        <translation>粘贴并翻译(&amp;P)</translation>
    </message>
    <message>
        <source>C&amp;lear text</source>
        <translation>清空原文(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Find…</source>
        <translation>查找(&amp;F)…</translation>
    </message>
    <message>
        <source>Find &amp;next</source>
        <translation>查找下一个(&amp;N)</translation>
    </message>
    <message>
        <source>Find pre&amp;vious</source>
        <translation>查找上一个(&amp;V)</translation>
    </message>
    <message>
        <source>S&amp;ettings…</source>
        <translation>设置(&amp;E)…</translation>
    </message>
    <message>
        <source>&amp;Translate now</source>
        <translation>立即翻译(&amp;T)</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>停止(&amp;S)</translation>
    </message>
    <message>
        <source>S&amp;wap languages and texts</source>
        <translation>交换语言和文本(&amp;W)</translation>
    </message>
    <message>
        <source>Swap &amp;languages only</source>
        <translation>仅交换语言(&amp;L)</translation>
    </message>
    <message>
        <source>Choose &amp;direction</source>
        <translation>选择翻译方向(&amp;D)</translation>
    </message>
    <message>
        <source>Choose tar&amp;get language</source>
        <translation>选择目标语言(&amp;G)</translation>
    </message>
    <message>
        <source>Choose &amp;model</source>
        <translation>选择模型(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Larger text</source>
        <translation>放大文字(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Smaller text</source>
        <translation>缩小文字(&amp;S)</translation>
    </message>
    <message>
        <source>&amp;Normal text size</source>
        <translation>正常大小(&amp;N)</translation>
    </message>
    <message>
        <source>Go to s&amp;ource text</source>
        <translation>转到原文(&amp;O)</translation>
    </message>
    <message>
        <source>Go to &amp;translation</source>
        <translation>转到译文(&amp;T)</translation>
    </message>
    <message>
        <source>Go to ne&amp;xt part</source>
        <translation>转到下一区域(&amp;X)</translation>
    </message>
    <message>
        <source>Go to &amp;previous part</source>
        <translation>转到上一区域(&amp;P)</translation>
    </message>
    <message>
        <source>&amp;Full screen</source>
        <translation>全屏(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Help and keys</source>
        <translation>帮助与快捷键(&amp;H)</translation>
    </message>
</context>
<context>
    <name>Bar</name>
    <message>
        <source>Translation direction</source>
        <translation>翻译方向</translation>
    </message>
    <message>
        <source>Translation direction (Ctrl+Shift+L)</source>
        <translation>翻译方向（Ctrl+Shift+L）</translation>
    </message>
    <message>
        <source>Swap languages</source>
        <translation>交换语言</translation>
    </message>
    <message>
        <source>Swap languages and texts (Ctrl+Shift+S)</source>
        <translation>交换语言和文本（Ctrl+Shift+S）</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Model. All models: Ctrl+Shift+M</source>
        <translation>模型。全部模型：Ctrl+Shift+M</translation>
    </message>
    <message>
        <source>No model</source>
        <translation>无模型</translation>
    </message>
    <message>
        <source>Translate now: Ctrl+Return. Stop: Esc.</source>
        <translation>立即翻译：Ctrl+回车。停止：Esc。</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>翻译</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>CardDialog</name>
    <message>
        <source>Add a model</source>
        <translation>添加模型</translation>
    </message>
    <message>
        <source>Looking at {0}…</source>
        <translation>正在查看 {0}…</translation>
    </message>
    <message>
        <source>Adding {0}…</source>
        <translation>正在添加 {0}…</translation>
    </message>
    <message>
        <source>&amp;Add</source>
        <translation>添加(&amp;A)</translation>
    </message>
    <message>
        <source>Add as a &amp;link, leave the file where it is</source>
        <translation>添加为链接，文件留在原处(&amp;L)</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>取消(&amp;C)</translation>
    </message>
    <message>
        <source>Nothing is copied; the model can be used as long as its files stay where they are.</source>
        <translation>不复制任何文件；只要文件留在原处，模型就可以使用。</translation>
    </message>
    <message>
        <source>What is known of the model</source>
        <translation>模型的信息</translation>
    </message>
    <message>
        <source>This model cannot be used:</source>
        <translation>此模型无法使用：</translation>
    </message>
    <message>
        <source>{0} tokens</source>
        <translation>{0} 个词元</translation>
    </message>
    <message>
        <source>{0} and {1} tokens</source>
        <translation>{0} 个和 {1} 个词元</translation>
    </message>
    <message>
        <source>about {0} needed, {1} free</source>
        <translation>约需 {0}，可用 {1}</translation>
    </message>
    <message>
        <source>Languages:</source>
        <translation>语言：</translation>
    </message>
    <message>
        <source>Format:</source>
        <translation>格式：</translation>
    </message>
    <message>
        <source>Precision:</source>
        <translation>精度：</translation>
    </message>
    <message>
        <source>Vocabulary:</source>
        <translation>词表：</translation>
    </message>
    <message>
        <source>Size:</source>
        <translation>大小：</translation>
    </message>
    <message>
        <source>Memory:</source>
        <translation>内存：</translation>
    </message>
    <message>
        <source>Licence:</source>
        <translation>许可：</translation>
    </message>
    <message>
        <source>not stated</source>
        <translation>未注明</translation>
    </message>
    <message>
        <source>Training data:</source>
        <translation>训练数据：</translation>
    </message>
    <message>
        <source>Notes:</source>
        <translation>备注：</translation>
    </message>
    <message>
        <source>File:</source>
        <translation>文件：</translation>
    </message>
    <message>
        <source>SHA-256:</source>
        <translation>SHA-256：</translation>
    </message>
</context>
<context>
    <name>Documents</name>
    <message>
        <source>Open text</source>
        <translation>打开文本</translation>
    </message>
    <message>
        <source>Text files (*.txt *.md);;All files (*)</source>
        <translation>文本文件 (*.txt *.md);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Save translation</source>
        <translation>保存译文</translation>
    </message>
    <message>
        <source>{0} is not a text file in UTF-8, so it was not opened. Your text is unchanged.</source>
        <translation>“{0}”不是 UTF-8 文本文件，因此没有打开。您的文本没有改变。</translation>
    </message>
    <message>
        <source>{0} is larger than 32 MB, so it was not opened. Use the s2s command for it.</source>
        <translation>“{0}”大于 32 MB，因此没有打开。请改用 s2s 命令翻译它。</translation>
    </message>
    <message>
        <source>{0} could not be read: {1}</source>
        <translation>无法读取“{0}”：{1}</translation>
    </message>
    <message>
        <source>{0} could not be saved: {1}</source>
        <translation>无法保存“{0}”：{1}</translation>
    </message>
</context>
<context>
    <name>DropArea</name>
    <message>
        <source>Drop a model to add it, or a text to translate it</source>
        <translation>松开以添加模型，或打开文本进行翻译</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Find</source>
        <translation>查找</translation>
    </message>
    <message>
        <source>Find in the text</source>
        <translation>在文本中查找</translation>
    </message>
    <message>
        <source>Previous place</source>
        <translation>上一处</translation>
    </message>
    <message>
        <source>Previous place (Shift+F3)</source>
        <translation>上一处（Shift+F3）</translation>
    </message>
    <message>
        <source>Next place</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Next place (F3)</source>
        <translation>下一处（F3）</translation>
    </message>
    <message>
        <source>Close the find bar</source>
        <translation>关闭查找栏</translation>
    </message>
    <message>
        <source>Close the find bar (Esc)</source>
        <translation>关闭查找栏（Esc）</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>未找到</translation>
    </message>
</context>
<context>
    <name>FontNotice</name>
    <message>
        <source>Chinese characters cannot be shown. Install a font such as Noto Sans CJK (package fonts-noto-cjk).</source>
        <translation>无法显示中文字符。请安装 Noto Sans CJK 等字体（软件包 fonts-noto-cjk）。</translation>
    </message>
</context>
<context>
    <name>GetModelsPage</name>
    <message>
        <source>Get models</source>
        <translation>获取模型</translation>
    </message>
    <message>
        <source>This program never uses the network. The buttons open a page in your browser: save the files named into one folder. A watched folder tells this program when they are there.</source>
        <translation>本程序从不使用网络。按钮会在浏览器中打开网页：请把所列文件保存到同一个文件夹。监视该文件夹后，文件一到，本程序就会知道。</translation>
    </message>
    <message>
        <source>From:</source>
        <translation>源语言：</translation>
    </message>
    <message>
        <source>To:</source>
        <translation>目标语言：</translation>
    </message>
    <message>
        <source>C&amp;hoose folder…</source>
        <translation>选择文件夹(&amp;H)…</translation>
    </message>
    <message>
        <source>&amp;Back to models</source>
        <translation>返回模型(&amp;B)</translation>
    </message>
    <message>
        <source>Catalogues</source>
        <translation>模型目录</translation>
    </message>
    <message>
        <source>Watching {0}</source>
        <translation>正在监视 {0}</translation>
    </message>
    <message>
        <source>Folder to watch: {0}</source>
        <translation>要监视的文件夹：{0}</translation>
    </message>
    <message>
        <source>Stop &amp;watching</source>
        <translation>停止监视(&amp;W)</translation>
    </message>
    <message>
        <source>&amp;Watch this folder</source>
        <translation>监视此文件夹(&amp;W)</translation>
    </message>
    <message>
        <source>Folder to watch</source>
        <translation>要监视的文件夹</translation>
    </message>
    <message>
        <source>Open the page</source>
        <translation>打开网页</translation>
    </message>
    <message>
        <source>Open the page of {0}</source>
        <translation>打开 {0} 的网页</translation>
    </message>
    <message>
        <source>Save these {0} files into one folder: {1}. Together {2}.</source>
        <translation>把这 {0} 个文件保存到同一个文件夹：{1}。共 {2}。</translation>
    </message>
    <message>
        <source>Firefox, {0}, {1}</source>
        <translation>Firefox，{0}，{1}</translation>
    </message>
    <message>
        <source>If the list has opus-mt-{0}-{1}, open it and there &quot;Files and versions&quot;. Save config.json, vocab.json, source.spm, target.spm and model.safetensors, or else pytorch_model.bin, into a folder of their own.</source>
        <translation>如果列表中有 opus-mt-{0}-{1}，请打开它，再打开“Files and versions”。把 config.json、vocab.json、source.spm、target.spm 和 model.safetensors（没有则用 pytorch_model.bin）保存到一个单独的文件夹。</translation>
    </message>
    <message>
        <source>Save the one file whose name begins with translate-{0}_{1} and ends with .argosmodel.</source>
        <translation>保存文件名以 translate-{0}_{1} 开头、以 .argosmodel 结尾的那一个文件。</translation>
    </message>
    <message>
        <source>If there is a folder for the two languages, save the one file that ends with .tar.gz.</source>
        <translation>如果有这两种语言的文件夹，请保存其中以 .tar.gz 结尾的那一个文件。</translation>
    </message>
</context>
<context>
    <name>HelpPage</name>
    <message>
        <source>Help</source>
        <translation>帮助</translation>
    </message>
    <message>
        <source>Close help</source>
        <translation>关闭帮助</translation>
    </message>
    <message>
        <source>Type or paste text on the left; its translation appears on the right while you type.</source>
        <translation>在左侧输入或粘贴文本，译文会随着您的输入显示在右侧。</translation>
    </message>
    <message>
        <source>Everything runs on this computer. The program has no code that uses the network.</source>
        <translation>一切都在这台电脑上运行。本程序没有任何联网代码。</translation>
    </message>
    <message>
        <source>Your text, settings and own models are kept in this folder: {0}</source>
        <translation>您的文本、设置和自有模型保存在此文件夹：{0}</translation>
    </message>
    <message>
        <source>The models that came with the program are in: {0}</source>
        <translation>随程序附带的模型位于：{0}</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Version {0}</source>
        <translation>版本 {0}</translation>
    </message>
</context>
<context>
    <name>Importing</name>
    <message>
        <source>Add a model from a file</source>
        <translation>从文件添加模型</translation>
    </message>
    <message>
        <source>Add a model from a folder</source>
        <translation>从文件夹添加模型</translation>
    </message>
</context>
<context>
    <name>LanguageBoxes</name>
    <message>
        <source>Source language</source>
        <translation>源语言</translation>
    </message>
    <message>
        <source>Source language (Ctrl+Shift+L)</source>
        <translation>源语言 (Ctrl+Shift+L)</translation>
    </message>
    <message>
        <source>Target language</source>
        <translation>目标语言</translation>
    </message>
    <message>
        <source>Target language (Ctrl+Shift+T)</source>
        <translation>目标语言 (Ctrl+Shift+T)</translation>
    </message>
</context>
<context>
    <name>Languages</name>
    <message>
        <source>Arabic</source>
        <translation>阿拉伯语</translation>
    </message>
    <message>
        <source>Azerbaijani</source>
        <translation>阿塞拜疆语</translation>
    </message>
    <message>
        <source>Belarusian</source>
        <translation>白俄罗斯语</translation>
    </message>
    <message>
        <source>Bulgarian</source>
        <translation>保加利亚语</translation>
    </message>
    <message>
        <source>Bengali</source>
        <translation>孟加拉语</translation>
    </message>
    <message>
        <source>Bosnian</source>
        <translation>波斯尼亚语</translation>
    </message>
    <message>
        <source>Catalan</source>
        <translation>加泰罗尼亚语</translation>
    </message>
    <message>
        <source>Czech</source>
        <translation>捷克语</translation>
    </message>
    <message>
        <source>Danish</source>
        <translation>丹麦语</translation>
    </message>
    <message>
        <source>German</source>
        <translation>德语</translation>
    </message>
    <message>
        <source>Greek</source>
        <translation>希腊语</translation>
    </message>
    <message>
        <source>English</source>
        <translation>英语</translation>
    </message>
    <message>
        <source>Spanish</source>
        <translation>西班牙语</translation>
    </message>
    <message>
        <source>Estonian</source>
        <translation>爱沙尼亚语</translation>
    </message>
    <message>
        <source>Persian</source>
        <translation>波斯语</translation>
    </message>
    <message>
        <source>Finnish</source>
        <translation>芬兰语</translation>
    </message>
    <message>
        <source>French</source>
        <translation>法语</translation>
    </message>
    <message>
        <source>Gujarati</source>
        <translation>古吉拉特语</translation>
    </message>
    <message>
        <source>Hebrew</source>
        <translation>希伯来语</translation>
    </message>
    <message>
        <source>Hindi</source>
        <translation>印地语</translation>
    </message>
    <message>
        <source>Croatian</source>
        <translation>克罗地亚语</translation>
    </message>
    <message>
        <source>Hungarian</source>
        <translation>匈牙利语</translation>
    </message>
    <message>
        <source>Indonesian</source>
        <translation>印度尼西亚语</translation>
    </message>
    <message>
        <source>Icelandic</source>
        <translation>冰岛语</translation>
    </message>
    <message>
        <source>Italian</source>
        <translation>意大利语</translation>
    </message>
    <message>
        <source>Japanese</source>
        <translation>日语</translation>
    </message>
    <message>
        <source>Kannada</source>
        <translation>卡纳达语</translation>
    </message>
    <message>
        <source>Korean</source>
        <translation>韩语</translation>
    </message>
    <message>
        <source>Lithuanian</source>
        <translation>立陶宛语</translation>
    </message>
    <message>
        <source>Latvian</source>
        <translation>拉脱维亚语</translation>
    </message>
    <message>
        <source>Malayalam</source>
        <translation>马拉雅拉姆语</translation>
    </message>
    <message>
        <source>Malay</source>
        <translation>马来语</translation>
    </message>
    <message>
        <source>Maltese</source>
        <translation>马耳他语</translation>
    </message>
    <message>
        <source>Norwegian Bokmål</source>
        <translation>书面挪威语</translation>
    </message>
    <message>
        <source>Dutch</source>
        <translation>荷兰语</translation>
    </message>
    <message>
        <source>Norwegian Nynorsk</source>
        <translation>新挪威语</translation>
    </message>
    <message>
        <source>Norwegian</source>
        <translation>挪威语</translation>
    </message>
    <message>
        <source>Polish</source>
        <translation>波兰语</translation>
    </message>
    <message>
        <source>Portuguese</source>
        <translation>葡萄牙语</translation>
    </message>
    <message>
        <source>Romanian</source>
        <translation>罗马尼亚语</translation>
    </message>
    <message>
        <source>Russian</source>
        <translation>俄语</translation>
    </message>
    <message>
        <source>Slovak</source>
        <translation>斯洛伐克语</translation>
    </message>
    <message>
        <source>Slovenian</source>
        <translation>斯洛文尼亚语</translation>
    </message>
    <message>
        <source>Albanian</source>
        <translation>阿尔巴尼亚语</translation>
    </message>
    <message>
        <source>Serbian</source>
        <translation>塞尔维亚语</translation>
    </message>
    <message>
        <source>Swedish</source>
        <translation>瑞典语</translation>
    </message>
    <message>
        <source>Tamil</source>
        <translation>泰米尔语</translation>
    </message>
    <message>
        <source>Telugu</source>
        <translation>泰卢固语</translation>
    </message>
    <message>
        <source>Thai</source>
        <translation>泰语</translation>
    </message>
    <message>
        <source>Turkish</source>
        <translation>土耳其语</translation>
    </message>
    <message>
        <source>Ukrainian</source>
        <translation>乌克兰语</translation>
    </message>
    <message>
        <source>Vietnamese</source>
        <translation>越南语</translation>
    </message>
    <message>
        <source>Chinese</source>
        <translation>中文</translation>
    </message>
    <message>
        <source>Traditional Chinese</source>
        <translation>繁体中文</translation>
    </message>
    <message>
        <source>an unknown language</source>
        <translation>未知语言</translation>
    </message>
    <message>
        <source>from any of {0} languages to any other</source>
        <translation>{0} 种语言之间任意互译</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Translation finished.</source>
        <translation>翻译完成。</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>翻译</translation>
    </message>
    <message>
        <source>Your text could not be saved for the next start: {0}</source>
        <translation>无法为下次启动保存您的文本：{0}</translation>
    </message>
</context>
<context>
    <name>ModelDesk</name>
    <message>
        <source>Verifying {0}…</source>
        <translation>正在校验 {0}…</translation>
    </message>
    <message>
        <source>{0} is damaged: {1}</source>
        <translation>{0} 已损坏：{1}</translation>
    </message>
    <message>
        <source>{0} works. It came without hashes to compare its files with.</source>
        <translation>{0} 可以正常使用。它没有可供比对的校验值。</translation>
    </message>
    <message>
        <source>{0} is as it was when it was added, and it works.</source>
        <translation>{0} 与添加时一致，可以正常使用。</translation>
    </message>
    <message>
        <source>{0} was removed. It stays on the disk until the program starts again.</source>
        <translation>{0} 已移除。在程序下次启动之前，它仍保留在磁盘上。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>Models</name>
    <message>
        <source>{0} is already here.</source>
        <translation>{0} 已在列表中。</translation>
    </message>
    <message>
        <source>The models could not be listed: {0}</source>
        <translation>无法列出模型：{0}</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Search by name or language</source>
        <translation>按名称或语言搜索</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <source>&amp;Use</source>
        <translation>使用(&amp;U)</translation>
    </message>
    <message>
        <source>&amp;Verify</source>
        <translation>校验(&amp;V)</translation>
    </message>
    <message>
        <source>Re&amp;name…</source>
        <translation>重命名(&amp;N)…</translation>
    </message>
    <message>
        <source>&amp;Remove</source>
        <translation>移除(&amp;R)</translation>
    </message>
    <message>
        <source>&amp;Open folder</source>
        <translation>打开文件夹(&amp;O)</translation>
    </message>
    <message>
        <source>&amp;Add a model…</source>
        <translation>添加模型(&amp;A)…</translation>
    </message>
    <message>
        <source>Add a &amp;folder…</source>
        <translation>添加文件夹(&amp;F)…</translation>
    </message>
    <message>
        <source>&amp;Get models…</source>
        <translation>获取模型(&amp;G)…</translation>
    </message>
    <message>
        <source>&amp;Close</source>
        <translation>关闭(&amp;C)</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>last used {0}</source>
        <translation>上次使用 {0}</translation>
    </message>
    <message>
        <source>{0} tokens/s here</source>
        <translation>本机 {0} 词元/秒</translation>
    </message>
    <message>
        <source>came with the program</source>
        <translation>随程序提供</translation>
    </message>
    <message>
        <source>This is two models one after the other; each of them is in the list too.</source>
        <translation>这是前后相接的两个模型；它们各自也在列表中。</translation>
    </message>
    <message>
        <source>This model came with the program or the system and cannot be changed.</source>
        <translation>此模型随程序或系统提供，不能更改。</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Name of the model:</source>
        <translation>模型名称：</translation>
    </message>
    <message>
        <source>Name of the model</source>
        <translation>模型名称</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>翻译</translation>
    </message>
    <message>
        <source>Display</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Translate while typing</source>
        <translation>边输入边翻译</translation>
    </message>
    <message>
        <source>Use the model&apos;s shortlist of words</source>
        <translation>使用模型的候选词表</translation>
    </message>
    <message>
        <source>Underline words that the model is not sure of</source>
        <translation>给模型没有把握的词加下划线</translation>
    </message>
    <message>
        <source>Only the likely words are looked at where a model lists them: much quicker.</source>
        <translation>若模型附有候选词表，只考虑可能的词，速度快得多。</translation>
    </message>
    <message>
        <source>Close settings</source>
        <translation>关闭设置</translation>
    </message>
    <message>
        <source>Pace:</source>
        <translation>节奏：</translation>
    </message>
    <message>
        <source>Beam size:</source>
        <translation>束宽：</translation>
    </message>
    <message>
        <source>Precision:</source>
        <translation>计算精度：</translation>
    </message>
    <message>
        <source>Threads for long texts:</source>
        <translation>长文本线程数：</translation>
    </message>
    <message>
        <source>Free memory when idle:</source>
        <translation>空闲时释放内存：</translation>
    </message>
    <message>
        <source>Theme:</source>
        <translation>主题：</translation>
    </message>
    <message>
        <source>Text size:</source>
        <translation>文字大小：</translation>
    </message>
    <message>
        <source>Interface language:</source>
        <translation>界面语言：</translation>
    </message>
    <message>
        <source>The model&apos;s own</source>
        <translation>模型默认值</translation>
    </message>
    <message>
        <source>How many candidates are followed at once: more is slower, often better.</source>
        <translation>同时跟踪多少个候选译文：越多越慢，通常也越好。</translation>
    </message>
    <message>
        <source>One for each core</source>
        <translation>每个核心一个</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>从不</translation>
    </message>
    <message>
        <source> min</source>
        <translation> 分钟</translation>
    </message>
    <message>
        <source>The model leaves memory after this time and comes back as you type.</source>
        <translation>模型空闲这么久后移出内存，再次输入时自动载入。</translation>
    </message>
    <message>
        <source>8 bits are quicker on most processors and change few sentences.</source>
        <translation>8 位计算在多数处理器上更快，只会改变少数句子。</translation>
    </message>
    <message>
        <source>How soon after a key the translation starts.</source>
        <translation>按键后多久开始翻译。</translation>
    </message>
    <message>
        <source> %</source>
        <translation> %</translation>
    </message>
    <message>
        <source>Calm</source>
        <translation>从容</translation>
    </message>
    <message>
        <source>Normal</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Eager</source>
        <translation>迅速</translation>
    </message>
    <message>
        <source>What is quicker here</source>
        <translation>本机较快的一种</translation>
    </message>
    <message>
        <source>32 bits</source>
        <translation>32 位</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>8 位</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
</context>
<context>
    <name>Shelf</name>
    <message>
        <source>{0} by way of English</source>
        <translation>{0}（经由英语）</translation>
    </message>
</context>
<context>
    <name>StatusLine</name>
    <message>
        <source>Translating…</source>
        <translation>正在翻译…</translation>
    </message>
    <message>
        <source>Translating, line {0} of {1}</source>
        <translation>正在翻译，第 {0} 行，共 {1} 行</translation>
    </message>
    <message>
        <source>Stopped in line {0} of {1}.</source>
        <translation>已在第 {0} 行（共 {1} 行）停止。</translation>
    </message>
    <message>
        <source>No model yet.</source>
        <translation>还没有模型。</translation>
    </message>
    <message>
        <source>Loading {0}…</source>
        <translation>正在加载 {0}…</translation>
    </message>
    <message>
        <source>Ready.</source>
        <translation>就绪。</translation>
    </message>
    <message>
        <source>Done in {0} s.</source>
        <translation>完成，用时 {0} 秒。</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <source>Source changed. Ctrl+Return translates.</source>
        <translation>原文已改变。按 Ctrl+回车翻译。</translation>
    </message>
    <message>
        <source>The translation failed.</source>
        <translation>翻译失败。</translation>
    </message>
    <message>
        <source>not in memory until the next text</source>
        <translation>已移出内存，有新文本时再载入</translation>
    </message>
    <message>
        <source>first token {0} s</source>
        <translation>首词 {0} 秒</translation>
    </message>
    <message>
        <source>{0} tokens/s</source>
        <translation>{0} 词元/秒</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>离线</translation>
    </message>
</context>
<context>
    <name>Strip</name>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
</context>
<context>
    <name>TargetView</name>
    <message>
        <source>stopped here</source>
        <translation>在此停止</translation>
    </message>
    <message>
        <source>The model is not sure of this word.</source>
        <translation>模型对这个词没有把握。</translation>
    </message>
</context>
<context>
    <name>Watching</name>
    <message>
        <source>{0} cannot be watched.</source>
        <translation>无法监视 {0}。</translation>
    </message>
    <message>
        <source>Look at it</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>A model has arrived: {0}</source>
        <translation>模型已到：{0}</translation>
    </message>
    <message>
        <source>{0} models have arrived.</source>
        <translation>已到 {0} 个模型。</translation>
    </message>
    <message>
        <source>{0} or a file that belongs to it is not as in the catalogue: it is damaged or another edition. Download it again, or add it yourself if you trust it.</source>
        <translation>{0} 或与它配套的文件与目录所列不符：可能已损坏，或是另一个版本。请重新下载；如果您信任它，也可以自行添加。</translation>
    </message>
</context>
<context>
    <name>Worker</name>
    <message>
        <source>Something went wrong inside the program. Your text is safe; please try again.</source>
        <translation>程序内部出错。您的文本安然无恙，请重试。</translation>
    </message>
    <message>
        <source>The translation engine could not start, so nothing can be translated.</source>
        <translation>翻译引擎无法启动，因此无法翻译。</translation>
    </message>
    <message>
        <source>The translation ended too early. Your text is safe; please try again.</source>
        <translation>翻译提前结束。您的文本安然无恙，请重试。</translation>
    </message>
    <message>
        <source>There was not enough memory. Close other programs or use a smaller model.</source>
        <translation>内存不足。请关闭其他程序，或使用较小的模型。</translation>
    </message>
</context>
<context>
    <name>Workspace</name>
    <message>
        <source>Source text</source>
        <translation>原文</translation>
    </message>
    <message>
        <source>Translation</source>
        <translation>译文</translation>
    </message>
    <message>
        <source>Source text, {0}</source>
        <translation>原文，{0}</translation>
    </message>
    <message>
        <source>Translation, {0}</source>
        <translation>译文，{0}</translation>
    </message>
    <message>
        <source>{0} characters</source>
        <translation>{0} 个字符</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Type or paste text here</source>
        <translation>在此输入或粘贴文本</translation>
    </message>
    <message>
        <source>The translation appears here</source>
        <translation>译文显示在这里</translation>
    </message>
</context>
</TS>
